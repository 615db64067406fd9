"""Clients on loopback that ask whether the server keeps up or not: an open loop, and a closed one.

In an open loop each request has its time, and its latency counts from then: a server that falls behind
cannot slow its clients down and so look better than it is ("coordinated omission"). Connections are bounded;
a request whose time comes while all are in use is not sent, and is counted.
"""

import asyncio
import math
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import cast

import httptools


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a request."""

    status: int | None
    """None: the connection ended before there was an answer."""

    sent_at: float
    """When it was its time, by `time.perf_counter`."""

    seconds: float


@dataclass
class Load:
    """What became of many requests."""

    seconds: float = 0.0
    outcomes: list[Outcome] = field(default_factory=list)
    unsent: int = 0

    def count(self, *statuses: int | None) -> int:
        """Return how many ended so."""
        return sum(outcome.status in statuses for outcome in self.outcomes)

    def latencies_s(self, *statuses: int | None) -> list[float]:
        """Return the latencies of those that ended so, the shortest first."""
        return sorted(outcome.seconds for outcome in self.outcomes if outcome.status in statuses)


def percentile(ordered: list[float], share: float) -> float:
    """Return the smallest figure that at least *share* of the *ordered* ones do not exceed."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else math.nan


class Client(asyncio.Protocol):
    """One connection, which is kept; one request at a time."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self._answer: asyncio.Future[int | None] | None = None
        self.is_open = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to listen to the server."""
        self._transport = cast("asyncio.Transport", transport)
        self._parser = httptools.HttpResponseParser(self)

    def data_received(self, data: bytes) -> None:
        """Take a piece of an answer."""
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        """An answer is complete."""
        self.is_open = bool(self._parser.should_keep_alive())
        self._settle(self._parser.get_status_code())

    def connection_lost(self, _: Exception | None) -> None:
        """Tell whoever waits that there is no answer."""
        self.is_open = False
        self._settle(None)

    async def ask(self, due_at: float) -> Outcome:
        """Send the request; its time was *due_at*."""
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(self._request)
        status = await self._answer
        return Outcome(status, due_at, time.perf_counter() - due_at)

    def close(self) -> None:
        """Hang up."""
        self._transport.close()

    def _settle(self, status: int | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(status)


@dataclass(frozen=True)
class Clients:
    """Connections to one port, all of which send the same body."""

    port: int
    body: bytes
    headers: str = ""
    """Further ones, each with its line end."""

    @property
    def request(self) -> bytes:
        """What is sent."""
        head = f"POST /invocations HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n{self.headers}"
        described = f"Content-Type: application/json\r\nContent-Length: {len(self.body)}\r\n\r\n"
        return (head + described).encode() + self.body

    async def connect(self) -> Client:
        """Return a connection."""
        loop = asyncio.get_running_loop()
        _, client = await loop.create_connection(lambda: Client(self.request), "127.0.0.1", self.port)
        return client

    async def closed_loop(self, connections: int, seconds: float) -> Load:
        """Ask on so many connections, on each without a pause."""
        load = Load()
        began = time.perf_counter()

        async def go_on() -> None:
            client = await self.connect()
            while time.perf_counter() < began + seconds:
                client = client if client.is_open else await self.connect()
                load.outcomes.append(await client.ask(time.perf_counter()))
            client.close()

        await asyncio.gather(*(go_on() for _ in range(connections)))
        load.seconds = time.perf_counter() - began
        return load

    async def open_loop(
        self, per_s: float, seconds: float, connections: int, watch: Callable[[], Coroutine[None, None, None]]
    ) -> Load:
        """Ask *per_s* times a second, whatever becomes of it; *watch* is run beside it."""
        load = Load(seconds)
        idle = [await self.connect() for _ in range(connections)]
        running: set[asyncio.Task[None]] = set()

        async def ask(client: Client, due_at: float) -> None:
            # The server hangs up on who has not begun to ask for a while.
            client = client if client.is_open else await self.connect()
            load.outcomes.append(await client.ask(due_at))
            idle.append(client)

        watching = asyncio.create_task(watch())
        began = time.perf_counter()
        for number in range(int(per_s * seconds)):
            due_at = began + number / per_s
            if due_at > time.perf_counter():
                await asyncio.sleep(due_at - time.perf_counter())
            if not idle:
                load.unsent += 1
                continue
            task = asyncio.create_task(ask(idle.pop(), due_at))
            running.add(task)
            task.add_done_callback(running.discard)
        await asyncio.gather(*running)
        watching.cancel()
        for client in idle:
            client.close()
        return load
