"""The model process: it answers the requests of one socket, one after the other, until the socket ends."""

from __future__ import annotations

import os
import socket
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from lading_runtime import wire
from lading_runtime.wire import Message
from lading_runtime.worker.incoming import Incoming
from lading_runtime.worker.lifetime import Limit
from lading_runtime.worker.model import LoadedModel
from lading_runtime.worker.outgoing import send
from lading_runtime.worker.predict import answers


@dataclass(frozen=True)
class ReadyModel:
    """A model that can predict, and what the server is told about it."""

    loaded: LoadedModel

    facts: dict[str, Any]
    """The ``model`` of a "ready" message."""


@dataclass(frozen=True)
class FailedModel:
    """A model that could not be loaded."""

    error: dict[str, Any]
    """The ``error`` of a "failed" message."""


def serve(
    stream: socket.socket,
    model: ReadyModel | FailedModel,
    limit: Limit | None = None,
    busy_poll_s: float = 0.0,
) -> None:
    """Say on *stream* whether *model* is ready; if it is, answer requests until that ends or *limit*.

    The next request is looked for as long as *busy_poll_s*, where it usually comes by then.
    """
    # The other side may go away at any time: nobody is left then who could be told.
    with suppress(OSError, wire.BrokenStream), stream:
        if isinstance(model, FailedModel):
            wire.send(stream, Message({"kind": "failed", "error": model.error}))
            return
        wire.send(stream, Message({"kind": "ready", "pid": os.getpid(), "model": model.facts}))
        incoming = Incoming(stream, busy_poll_s)
        serve_requests(stream, incoming, model.loaded, Limit() if limit is None else limit)


def serve_requests(stream: socket.socket, incoming: Incoming, loaded: LoadedModel, limit: Limit) -> None:
    """Answer on *stream* what is *incoming* from it until it ends, or *limit* is reached."""
    limit.check_start()

    def is_wanted() -> bool:
        return not incoming.has_news()

    while (request := incoming.receive()) is not None:
        if request.header["kind"] == "cancel":
            continue  # it has done what it was for, or came too late: the answer had ended
        is_last = False
        for answer in answers(loaded, request, is_wanted):
            is_last = answer.header["kind"] != "chunk" and limit.is_reached()
            send(stream, marked(answer) if is_last else answer)
        flush_output()
        if is_last:
            return


def marked(answer: Message) -> Message:
    """Return *answer* as the last one of this process."""
    return Message({**answer.header, "is_last": True}, answer.buffers)


def flush_output() -> None:
    """Let what the model printed appear now."""
    flush(sys.stdout)
    flush(sys.stderr)


def flush(output: Any) -> None:
    """Flush *output* if it still can be flushed."""
    try:
        output.flush()
    except (AttributeError, OSError, ValueError):
        return  # the model has closed or replaced it
