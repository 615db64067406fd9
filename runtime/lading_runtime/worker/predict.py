"""One request → the messages that answer it. Nothing that a model raises gets past this file."""

from __future__ import annotations

import traceback
from typing import Any, Callable, Iterator

from lading_runtime.wire import Message
from lading_runtime.worker import frames
from lading_runtime.worker.encode import NotByRows, Unserialisable, encode, encode_rows
from lading_runtime.worker.failure import describe, describe_raised
from lading_runtime.worker.log import report
from lading_runtime.worker.model import LoadedModel, Params, Predict
from lading_runtime.worker.problems import PayloadError
from lading_runtime.worker.redaction import WITHHELD, Redactor

END = object()
"""What follows the last chunk of a streamed answer."""


def always() -> bool:
    """Tell that the rest of an answer is wanted."""
    return True


class StepFailed(Exception):
    """A step of a prediction raised, whatever it was; `error` is the answer."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error["source"])
        self.error = error


def answers(
    loaded: LoadedModel, request: Message, is_wanted: Callable[[], bool] = always
) -> Iterator[Message]:
    """Yield what answers *request*: a prediction, or chunks and their end, or an error.

    A stream ends early when *is_wanted* says that nobody wants the rest.
    """
    number = request.header["id"]
    try:
        if request.header.get("stream") and loaded.predict_stream is not None:
            yield from chunks(loaded.predict_stream, request, is_wanted)
        else:
            yield prediction(loaded, request)
    except StepFailed as failed:
        yield Message({"kind": "error", "id": number, "error": failed.error})


def prediction(loaded: LoadedModel, request: Message) -> Message:
    """Return the one message that answers *request*."""
    predict, data = prepared(loaded, request)
    params = build(request, "params")
    answer = attempt(lambda error: raised(error, data, params), predict, data, params)
    return encoded("prediction", request, answer)


def chunks(
    predict_stream: Callable[[Any, Params], Any], request: Message, is_wanted: Callable[[], bool]
) -> Iterator[Message]:
    """Yield a message for each part of the answer to *request*, and one for its end."""
    data, params = build(request, "payload"), build(request, "params")

    def blame(error: BaseException) -> dict[str, Any]:
        return raised(error, data, params)

    parts = attempt(blame, lambda: iter(predict_stream(data, params)))
    try:
        while is_wanted() and (part := attempt(blame, next, parts, END)) is not END:
            yield encoded("chunk", request, part)
    finally:
        close(parts)
    yield Message({"kind": "end", "id": request.header["id"]})


def close(parts: Any) -> None:
    """End the model's generator, if it is one; its clean-up runs, and has nobody to tell what goes wrong."""
    try:
        getattr(parts, "close", lambda: None)()
    except BaseException as error:  # noqa: BLE001 - even SystemExit: the process has other requests to answer
        kind = type(error).__name__
        report(f"a stream cannot be closed: {kind}", "".join(traceback.format_tb(error.__traceback__)))


def prepared(loaded: LoadedModel, request: Message) -> tuple[Predict, Any]:
    """Return how *loaded* predicts, and from what: a bare array where it makes no difference to it."""
    node = request.header["payload"]
    of_arrays = loaded.of_arrays
    if of_arrays is not None and node["kind"] == "table" and of_arrays.accepts(node["names"]):
        return of_arrays.predict, attempt(unbuildable, frames.build_array_of_table, node, request.buffers)
    return loaded.predict, build(request, "payload")


def build(request: Message, part: str) -> Any:
    """Return what the model takes, made from the payload or the params of *request*; None if it has none."""
    node = request.header.get(part)
    return None if node is None else attempt(unbuildable, frames.build, node, request.buffers)


def encoded(kind: str, request: Message, answer: Any) -> Message:
    """Return the message of *kind* that carries *answer*."""
    rows = request.header.get("rows")
    work, arguments = (encode, (answer,)) if rows is None else (encode_rows, (answer, rows))
    value, buffers = attempt(unserialisable, work, *arguments)
    return Message({"kind": kind, "id": request.header["id"], "value": value}, buffers)


def attempt(
    blame: Callable[[BaseException], dict[str, Any]], step: Callable[..., Any], *arguments: Any
) -> Any:
    """Return what *step* returns.

    Raises:
        StepFailed: it raised, even ``SystemExit``; *blame* makes the answer of that.
    """
    try:
        return step(*arguments)
    except BaseException as error:  # noqa: BLE001 - handed on to the client, who waits for an answer
        raise StepFailed(blame(error)) from None


def unbuildable(error: BaseException) -> dict[str, Any]:
    """Return the error for a payload that cannot become what the model takes."""
    if isinstance(error, PayloadError):
        return describe(error, error.source, str)
    # A mistake of ours: only the log is told where.
    kind = type(error).__name__
    report(f"a payload cannot be built: {kind}", "".join(traceback.format_tb(error.__traceback__)))
    return describe(error, "payload", lambda _text: WITHHELD)


def raised(error: BaseException, data: Any, params: Params) -> dict[str, Any]:
    """Return the error for what the model raised, without values of *data* and *params* in its texts."""
    try:
        return describe_raised(error, Redactor(data, params))
    except BaseException:  # noqa: BLE001 - the error, its causes and the data are the model's objects by now
        return {"source": "model", "type": type(error).__name__, "message": WITHHELD}


def unserialisable(error: BaseException) -> dict[str, Any]:
    """Return the error for a prediction that cannot be written as JSON, or not by rows."""
    if isinstance(error, NotByRows):
        return describe(error, "rows", str)
    is_ours = isinstance(error, Unserialisable)
    return describe(error, "output", str if is_ours else lambda _text: WITHHELD)
