"""One model process, as its worker sees it: a socket that brings messages, and a pid to kill."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Sequence
from typing import Any, Protocol, cast

from lading_runtime.server.control import Control
from lading_runtime.server.framing import MessageReader
from lading_runtime.wire import BrokenStream, Buffer, Message


class Owner(Protocol):
    """Who is told what happens to a model process."""

    def received(self, process: ModelProcess, message: Message) -> None:
        """*process* sent *message*."""

    def lost(self, process: ModelProcess) -> None:
        """*process* ended, or sent what is no message; nothing more comes."""


class ModelProcess(asyncio.BufferedProtocol):
    """A connection to one model process."""

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._reader = MessageReader()
        self._transport: asyncio.Transport | None = None
        self._lifeline: socket.socket | None = None
        self._socket: socket.socket | None = None
        self.is_paused = False
        self.pid: int | None = None
        """Known from the moment when it is ready."""

    async def connect(self, control: Control) -> None:
        """Ask the model host for the process; its first message says whether it is ready.

        Raises:
            Busy: the model host takes no requests now.
        """
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                self._lifeline = control.fork(theirs)
        except BaseException:
            ours.close()
            raise
        ours.setblocking(False)
        self._socket = ours
        await asyncio.get_running_loop().create_unix_connection(lambda: self, sock=ours)

    def send(self, pieces: Sequence[Buffer]) -> None:
        """Send the *pieces* of a message; they must not change until the answer is there."""
        transport = self._open_transport()
        # Its end may be on its way to `lost`.
        if not transport.is_closing():
            transport.writelines(pieces)

    def pause(self) -> None:
        """Read nothing more: a process that has more to say will wait."""
        self.is_paused = True
        self._open_transport().pause_reading()

    def resume(self) -> None:
        """Read on."""
        self.is_paused = False
        self._open_transport().resume_reading()

    def poll(self) -> None:
        """Take what has come, before the event loop comes to it; that will find nothing then."""
        if self._socket is None or self.is_paused or self._open_transport().is_closing():
            return
        with contextlib.suppress(OSError):  # there is nothing, or its end, which is on its way to `lost`
            count = self._socket.recv_into(self.get_buffer(-1), 0, socket.MSG_DONTWAIT)
            if count:
                self.buffer_updated(count)

    def _open_transport(self) -> asyncio.Transport:
        assert self._transport is not None  # noqa: S101 - it said that it is ready
        return self._transport

    def kill(self) -> None:
        """End the process at once, whatever it is doing.

        One whose pid is not known yet is still being loaded or forked; it ends with its lifeline.
        """
        self._cut()
        if self.pid is not None:
            # Gone by itself in this very moment: its end is on its way to `lost`.
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
        self.close()

    def _cut(self) -> None:
        """Let the kernel end the process and all that it started."""
        if self._lifeline is not None:
            self._lifeline.close()

    def close(self) -> None:
        """Hang up: the process ends as soon as that is noticed here."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:  # noqa: D102 - asyncio's
        self._transport = cast("asyncio.Transport", transport)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002, D102 - asyncio's
        return self._reader.free()

    def buffer_updated(self, nbytes: int) -> None:  # noqa: D102 - asyncio's
        try:
            for message in self._reader.received(nbytes):
                self._owner.received(self, message)
        except BrokenStream:
            self.kill()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002, D102 - asyncio's
        self._cut()
        self._owner.lost(self)


def facts(message: Message) -> dict[str, Any]:
    """Return what a ``ready`` message says of the loaded model."""
    return message.header.get("model") or {}
