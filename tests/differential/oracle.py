"""Two echo models in one process: one behind the real scoring server of MLflow, one behind Lading's worker.

    python -m tests.differential.oracle DESCRIPTOR

Runs in MLflow's environment, so that both use the same NumPy and pandas. DESCRIPTOR is a stream socket on
which messages of `lading_runtime.wire` come. A "predict" is what the server sends to a model process, and is
answered by what answers it there. A "score" has a signature and headers, and the body in its buffer; the
answer is what MLflow's own application answers.
"""

import asyncio
import functools
import logging
import socket
import sys
import warnings
from typing import Any

import numpy as np
from lading_runtime import wire
from lading_runtime.wire import Message
from lading_runtime.worker.model import LoadedModel
from lading_runtime.worker.predict import answers
from mlflow.models import Model
from mlflow.pyfunc import PyFuncModel, scoring_server

from tests.differential.describe import describe

FLAVOURS = {"python_function": {"loader_module": "tests.differential.oracle"}}


class Echo:
    """Answers with what reached the model."""

    def predict(self, model_input: Any, params: Any = None) -> Any:
        """Describe the arguments."""
        return {"data": describe(model_input), "params": describe(params)}


@functools.lru_cache(maxsize=16)
def application(inputs: str | None, params: str | None) -> Any:
    """Return MLflow's application for an echo model with a signature."""
    written = {"inputs": inputs, "params": params, "outputs": None}
    fields = {"signature": written} if inputs or params else {}
    metadata = Model.from_dict({"flavors": FLAVOURS, **fields})
    return scoring_server.init(PyFuncModel(metadata, Echo()))


async def exchange(app: Any, headers: list[list[str]], body: bytes) -> tuple[dict[str, Any], bytes]:
    """Return what an ASGI application answers to a scoring request: status and headers, and the body."""
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
        "path": "/invocations", "raw_path": b"/invocations", "query_string": b"", "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers],
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 2), "state": {},
    }  # fmt: skip
    received = iter([{"type": "http.request", "body": body, "more_body": False}])
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        message = next(received, None)
        return message if message is not None else await asyncio.Future()

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    try:
        await app(scope, receive, send)
    except Exception:  # noqa: BLE001 - the framework has answered 500; a server would log the rest
        assert sent, "the application raised and answered nothing"
    start = next(message for message in sent if message["type"] == "http.response.start")
    return start, b"".join(message.get("body", b"") for message in sent)


async def score(request: Message) -> Message:
    """Return MLflow's answer to a request."""
    header = request.header
    app = application(header["inputs"], header["params"])
    start, body = await exchange(app, header["headers"], bytes(request.buffers[0]))
    names = {name.decode().lower(): value.decode() for name, value in start["headers"]}
    answer = {"kind": "answer", "status": start["status"], "content_type": names.get("content-type")}
    return Message(answer, [body])


def main(descriptor: int) -> None:
    """Answer messages until the socket is closed."""
    # MLflow says of each odd request what it makes of it; the answers say it, too.
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    # An array says all of itself in one line, however long.
    np.set_printoptions(linewidth=sys.maxsize, threshold=sys.maxsize)
    echo = Echo()
    loaded = LoadedModel("echo", echo.predict)
    loop = asyncio.new_event_loop()
    with socket.socket(fileno=descriptor) as stream:
        while (request := wire.receive(stream)) is not None:
            if request.header["kind"] == "score":
                wire.send(stream, loop.run_until_complete(score(request)))
                continue
            for answer in answers(loaded, request):
                wire.send(stream, answer)


if __name__ == "__main__":
    main(int(sys.argv[1]))
