"""One request, and the messages that answer it."""

import json
from typing import Any

import pytest
from lading_runtime.wire import Message
from lading_runtime.worker.model import LoadedModel
from lading_runtime.worker.predict import answers


def request(data: object, *, params: object = None, is_streamed: bool = False) -> Message:
    """Return a request for *data* as it is."""
    buffers = [json.dumps(part).encode() for part in (data, params)]
    payload = {"kind": "json", "buffer": 0}
    node = None if params is None else {"kind": "json", "buffer": 1}
    header = {"kind": "predict", "id": 7, "payload": payload, "params": node, "stream": is_streamed}
    return Message(header, buffers)


def model(predict, predict_stream=None) -> LoadedModel:
    """Return a loaded model of these functions of data and params."""
    return LoadedModel("test", predict, predict_stream)


def the_error(predict, data: object = None) -> dict[str, Any]:
    """Return the error that answers a request to a model that fails."""
    (answer,) = answers(model(predict), request(data))
    assert answer.header["kind"] == "error"
    assert answer.header["id"] == 7
    return dict(answer.header["error"])


def failing(error: BaseException):
    """Return a prediction function that raises *error*."""

    def predict(data, params):
        raise error

    return predict


def test_a_prediction_answers_with_the_requests_number():
    """The answer has the id of its request, and what the model made of data and params."""
    (answer,) = answers(model(lambda data, params: [data, params]), request(1, params={"n": 2}))

    assert answer.header == {"kind": "prediction", "id": 7, "value": {"kind": "json", "buffer": 0}}
    assert bytes(answer.buffers[0]) == b'[1,{"n":2}]'


def test_no_params_are_none():
    """A request without params gives the model None, as MLflow does without a schema of params."""
    (answer,) = answers(model(lambda data, params: params), request(1))

    assert bytes(answer.buffers[0]) == b"null"


@pytest.mark.parametrize(
    ("error", "source"),
    [
        (ValueError("boom"), "model"),
        (MemoryError("oom"), "model"),
        (RecursionError(), "model"),
        (StopIteration(), "model"),
        (GeneratorExit(), "model"),
        (SystemExit(3), "exit"),
        (KeyboardInterrupt(), "exit"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_whatever_a_model_raises_is_an_answer(error, source):
    """No exception, not even one that would end the process, gets past a request."""
    told = the_error(failing(error))

    assert (told["source"], told["type"]) == (source, type(error).__name__)


class Unspeakable(Exception):
    """Ends the process when it is asked what it says."""

    def __str__(self) -> str:
        raise SystemExit(3)


def chained(count: int) -> BaseException:
    """Return an error with so many causes, one of the other, and all with the same text."""
    error = ValueError("secret tomato")
    for _ in range(count):
        cause, error = error, ValueError("secret tomato")
        error.__cause__ = cause
    return error


@pytest.mark.parametrize("error", [Unspeakable(), chained(5000)], ids=["str ends", "deep chain"])
def test_errors_that_cannot_be_described_are_answers_too(error):
    """An exception whose own code ends the process, or that has thousands of causes, is the model's error."""
    told = the_error(failing(error), ["secret tomato"])

    assert (told["source"], told["type"]) == ("model", type(error).__name__)
    assert "tomato" not in str(told)


def test_an_error_does_not_repeat_the_payload():
    """Values that the client sent are in no text of an error."""

    def predict(data, params):
        message = f"cannot use {data['name']}"
        raise ValueError(message)

    assert "Ottilie" not in json.dumps(the_error(predict, {"name": "Ottilie"}))


def test_a_prediction_that_is_no_json_is_an_error_of_the_output():
    """An unserialisable prediction is told as such, with its type."""
    told = the_error(lambda data, params: {1, 2})

    assert told["source"] == "output"
    assert told["message"] == "the prediction cannot be written as JSON: it contains set"


def test_a_prediction_whose_own_code_fails_is_an_error_of_the_output():
    """Where writing a prediction runs code of its type, and that raises, its text is withheld."""
    text = "a secret"

    class Strange(dict[str, int]):
        def items(self):
            raise OSError(text)

    told = the_error(lambda data, params: [float("nan"), Strange(a=1)])

    assert (told["source"], told["type"]) == ("output", "OSError")
    assert text not in json.dumps(told)


def test_a_payload_that_cannot_be_built_is_an_error_of_the_payload():
    """Data that are refused while they are built are told as such, and the model is not asked."""
    message = request([[1], [2, 3]])
    message.header["payload"].update(kind="numpy", dtype="float64", shape=None)
    (answer,) = answers(model(failing(ValueError())), message)

    assert answer.header["error"]["source"] == "payload"
    assert answer.header["error"]["message"] == "the values cannot become an array"


def test_a_mistake_of_ours_is_logged_and_not_told(capsys):
    """A node that nobody knows how to build is answered without its text; the log says where it was."""
    message = request("tomato")
    message.header["payload"]["kind"] = "nonsense"
    (answer,) = answers(model(failing(ValueError())), message)

    assert (answer.header["error"]["source"], answer.header["error"]["type"]) == ("payload", "KeyError")
    assert "nonsense" not in json.dumps(answer.header)
    assert "in build\n" in capsys.readouterr().err


def chunked(data, params):
    """Stream an answer in as many parts as *data* says; fail at the end if it is odd."""
    for number in range(data):
        yield {"n": number}
    if data % 2:
        raise ValueError("odd")


def test_a_streamed_answer_is_chunks_and_an_end():
    """A model that streams gives a message per part, and one that says that it was the last."""
    messages = list(answers(model(failing(ValueError()), chunked), request(2, is_streamed=True)))

    assert [message.header["kind"] for message in messages] == ["chunk", "chunk", "end"]
    assert [bytes(message.buffers[0]) for message in messages[:2]] == [b'{"n":0}', b'{"n":1}']


def test_an_error_may_follow_the_chunks():
    """A stream that fails half-way has an error in place of its end."""
    messages = list(answers(model(failing(ValueError()), chunked), request(3, is_streamed=True)))

    assert [message.header["kind"] for message in messages] == ["chunk"] * 3 + ["error"]


def test_parts_come_as_the_model_makes_them():
    """The first part is sent before the second one is made."""
    made = []

    def predict_stream(data, params):
        for number in range(2):
            made.append(number)
            yield number

    stream = answers(model(failing(ValueError()), predict_stream), request(None, is_streamed=True))
    next(stream)

    assert made == [0]


def ends_of(predict_stream, is_wanted=lambda: True) -> list[str]:
    """Return the kinds of the messages that answer a streamed request."""
    stream = answers(model(failing(ValueError()), predict_stream), request(None, is_streamed=True), is_wanted)
    return [message.header["kind"] for message in stream]


def test_a_stream_that_nobody_wants_ends():
    """When nobody wants the rest, the model's generator is closed where it is, and the end is told."""
    happened: list[object] = []

    def predict_stream(data, params):
        try:
            for number in range(5):
                happened.append(number)
                yield number
        finally:
            happened.append("closed")

    assert ends_of(predict_stream, is_wanted=lambda: len(happened) < 2) == ["chunk", "chunk", "end"]
    assert happened == [0, 1, "closed"]


def test_a_part_that_is_no_json_ends_the_stream():
    """An unserialisable part is an error in its place, and the model's generator is closed."""
    happened = []

    def predict_stream(data, params):
        try:
            yield {1}
        finally:
            happened.append("closed")

    assert ends_of(predict_stream) == ["error"]
    assert happened == ["closed"]


@pytest.mark.parametrize("error", [ValueError("at the end"), SystemExit(1)])
def test_a_generator_that_does_not_close_is_logged(error, capsys):
    """What a model raises while it is closed is logged without its text, and the stream ends all the same."""

    def predict_stream(data, params):
        try:
            yield 1
        finally:
            raise error

    wanted = iter([True, False])

    assert ends_of(predict_stream, is_wanted=lambda: next(wanted)) == ["chunk", "end"]
    told = capsys.readouterr().err
    assert f"a stream cannot be closed: {type(error).__name__}" in told
    assert "at the end" not in told


@pytest.mark.parametrize("parts", [[1, 2], (1, 2), range(1, 3)], ids=["list", "tuple", "range"])
def test_a_stream_need_be_no_generator(parts):
    """Whatever can be iterated over is a stream."""
    assert ends_of(lambda data, params: parts) == ["chunk", "chunk", "end"]


@pytest.mark.parametrize("answer", [None, 1])
def test_what_is_no_stream_is_an_error_of_the_model(answer):
    """A model whose stream cannot be iterated over is told as one that raised."""
    assert ends_of(lambda data, params: answer) == ["error"]


def test_stream_is_ignored_where_the_model_cannot():
    """A model without a stream predicts at once, as MLflow's server does always."""
    (answer,) = answers(model(lambda data, params: [data]), request(1, is_streamed=True))

    assert answer.header["kind"] == "prediction"
