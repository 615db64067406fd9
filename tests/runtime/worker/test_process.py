"""The model process on its socket: requests in turn, and streams that can be ended."""

import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from lading_runtime import wire
from lading_runtime.wire import Message
from lading_runtime.worker.model import LoadedModel
from lading_runtime.worker.process import ReadyModel, serve


class Server:
    """The server's end of a model process's socket."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock

    def ask(self, number: int, *, is_streamed: bool = True) -> None:
        """Send a request."""
        header = {"kind": "predict", "id": number, "payload": {"kind": "json", "buffer": 0}, "params": None}
        wire.send(self._socket, Message({**header, "stream": is_streamed}, [b"null"]))

    def cancel(self, number: int) -> None:
        """Say that nobody wants the rest."""
        wire.send(self._socket, Message({"kind": "cancel", "id": number}))

    def hear(self) -> tuple[str, int | None]:
        """Return the kind and the number of the next message."""
        message = wire.receive(self._socket)
        assert message is not None
        return message.header["kind"], message.header.get("id")

    def leave(self) -> None:
        """Hang up."""
        self._socket.close()


@pytest.fixture
def serving() -> Callable[..., Any]:
    """Give a context in which a model of this stream is served; its end is that of the serving."""

    @contextmanager
    def context(predict_stream: Callable[..., Iterator[Any]]) -> Iterator[Server]:
        ours, theirs = socket.socketpair()
        ours.settimeout(30)
        model = ReadyModel(LoadedModel("test", lambda data, params: "at once", predict_stream), {})
        with ThreadPoolExecutor(1) as thread, ours:
            serving = thread.submit(serve, theirs, model)
            server = Server(ours)
            assert server.hear() == ("ready", None)
            yield server
            ours.close()
            serving.result(30)

    return context


def endless(happened: list[str]) -> Callable[..., Iterator[int]]:
    """A stream without an end, which notes that it is closed."""

    def predict_stream(data: Any, params: Any) -> Iterator[int]:
        try:
            while True:
                yield 0
        finally:
            happened.append("closed")

    return predict_stream


def test_a_stream_is_ended_by_a_cancel(serving):
    """After a "cancel" the model's generator is closed, "end" follows, and the next request is answered."""
    happened: list[str] = []

    with serving(endless(happened)) as server:
        server.ask(1)
        assert server.hear() == ("chunk", 1)
        server.cancel(1)
        kinds = set(iter(server.hear, ("end", 1)))
        server.ask(2, is_streamed=False)

        assert server.hear() == ("prediction", 2)
    assert kinds <= {("chunk", 1)}
    assert happened == ["closed"]


def test_a_cancel_that_comes_too_late_does_nothing(serving):
    """A "cancel" that crosses the end of an answer is not taken for the next one's."""
    with serving(lambda data, params: iter([1])) as server:
        server.ask(1)
        assert [server.hear() for _ in range(2)] == [("chunk", 1), ("end", 1)]
        server.cancel(1)
        server.ask(2)

        assert [server.hear() for _ in range(2)] == [("chunk", 2), ("end", 2)]


def test_a_stream_ends_with_its_server(serving):
    """When the server goes away, the model's generator is closed, whether it could be told or not."""
    happened: list[str] = []

    with serving(endless(happened)) as server:
        server.ask(1)
        server.hear()
        server.leave()

    assert happened == ["closed"]


def test_a_model_waits_for_a_server_that_does_not_read(serving):
    """Chunks that nobody reads are not made without end."""
    made = []

    def predict_stream(data: Any, params: Any) -> Iterator[str]:
        for number in range(1000):
            made.append(number)
            yield "x" * 100_000

    with serving(predict_stream) as server:
        server.ask(1)
        server.hear()
        server.cancel(1)
        while server.hear() != ("end", 1):
            pass

    assert len(made) < 20
