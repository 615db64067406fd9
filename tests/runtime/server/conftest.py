"""A pool on a fake model host, for the tests of what stands on it."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from pathlib import Path

import pytest
from lading_runtime.payload import Payload
from lading_runtime.server.control import Control, Recycling, receive_reports
from lading_runtime.server.pool import Pool
from lading_runtime.server.readiness import Readiness
from lading_runtime.server.vigil import Vigil

FAKE_HOST = Path(__file__).with_name("fake_host.py")

PATIENCE_S = 60.0
"""For what must happen; a busy machine may not come to it for a long time."""

Opener = Callable[..., AbstractAsyncContextManager["OpenPool"]]


class OpenPool(Pool):
    """A pool whose tests need not know how it was opened."""

    reports: socket.socket

    async def ask(self, value: object, *buffers: bytes, within_s: float = PATIENCE_S) -> bytes:
        """Return the answer to *value* as bytes."""
        payload = Payload({"kind": "python", "value": value}, list(buffers), None)
        prediction = await self.predict(payload, asyncio.get_running_loop().time() + within_s)
        return bytes(prediction.buffers[0])

    async def parts(
        self,
        value: object,
        *buffers: bytes,
        within_s: float = PATIENCE_S,
        between_s: float = PATIENCE_S,
    ) -> AsyncIterator[bytes]:
        """Yield the parts of a streamed answer to *value* as bytes."""
        payload = Payload({"kind": "python", "value": value}, list(buffers), None)
        deadline = asyncio.get_running_loop().time() + within_s
        async with aclosing(self.stream(payload, deadline, between_s)) as parts:
            async for part in parts:
                yield bytes(part.buffers[0])

    async def until_told(self) -> None:
        """Wait for the next report to the master."""
        loop = asyncio.get_running_loop()
        heard = asyncio.Event()
        loop.add_reader(self.reports, heard.set)
        await asyncio.wait_for(heard.wait(), PATIENCE_S)
        loop.remove_reader(self.reports)
        self.told = list(receive_reports(self.reports))


@pytest.fixture
def open_pool() -> Opener:
    """Return a function that opens a pool; its argument says how processes start (see `fake_host`)."""

    @asynccontextmanager
    async def opened(
        each: str = "ready", close_s: float = PATIENCE_S, vigil: Vigil | None = None
    ) -> AsyncIterator[OpenPool]:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        reports, reporters = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for end in (ours, reports, reporters):
            end.setblocking(False)
        command = [sys.executable, str(FAKE_HOST), "--control-fd", str(theirs.fileno()), "--each", each]
        host = subprocess.Popen(command, pass_fds=[theirs.fileno()])  # noqa: ASYNC220 - nothing waits yet
        theirs.close()
        control = Control(ours, reporters, Readiness(1), Recycling())
        pool = OpenPool(control, close_s, vigil or Vigil(0))
        pool.reports = reports
        pool.open()
        try:
            yield pool
        finally:
            pool.close()
            for end in (ours, reports, reporters):
                end.close()
            await asyncio.get_running_loop().run_in_executor(None, host.wait)

    return opened


@pytest.fixture
def run_python() -> Callable[[Path, str], str]:
    """Return a function that runs a script with an interpreter and returns what it printed."""

    def run(python: Path, script: str) -> str:
        return subprocess.run([python, "-c", script], capture_output=True, text=True, check=True).stdout

    return run
