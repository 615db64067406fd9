"""Clients that ask without a pause, on connections that they keep, and remember each answer."""

import http.client
import json
import random
import select
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Self

PATIENCE_S = 60.0


@dataclass
class Answer:
    """What became of a request."""

    prompt: str
    status: int | None
    """None: the connection ended, or nothing came in time."""

    text: str
    seconds: float


def prompt_alone(prompt: str) -> object:
    """Return the body for a model without a signature."""
    return {"prompt": prompt}


@dataclass
class Traffic(AbstractContextManager["Traffic"]):
    """Clients of one port, for as long as the context is open."""

    port: int
    clients: int
    choose: Callable[[random.Random], str]
    """What a client asks for next."""

    is_keeping: bool = True
    """Whether clients keep their connections."""

    body: Callable[[str], object] = prompt_alone
    """The body in which a client asks."""

    pause_s: float = 0.0
    """How long a client waits after an answer."""

    answers: list[Answer] = field(default_factory=list)

    def __enter__(self) -> Self:
        """Start the clients."""
        self._is_over = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(seed,)) for seed in range(self.clients)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Let each client have its last answer."""
        self._is_over.set()
        for thread in self._threads:
            thread.join()

    @property
    def statuses(self) -> Counter[int | None]:
        """How many answers of each status there are."""
        return Counter(answer.status for answer in list(self.answers))

    def _run(self, seed: int) -> None:
        chance = random.Random(seed)
        connection = Connection(self.port, self.body)
        while not self._is_over.is_set():
            self.answers.append(connection.ask(self.choose(chance)))
            self._is_over.wait(self.pause_s)
            if not self.is_keeping:
                connection.close()
        connection.close()


class Connection:
    """A connection that is kept for as long as the server does, and then made anew."""

    def __init__(self, port: int, body: Callable[[str], object] = prompt_alone) -> None:
        self._body = body
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)

    def ask(self, prompt: str) -> Answer:
        """Ask for a prediction."""
        body = json.dumps(self._body(prompt))
        self._drop_if_closed()
        began = time.monotonic()
        try:
            self._connection.request("POST", "/invocations", body, {"Content-Type": "application/json"})
            answer = self._connection.getresponse()
            status, text = answer.status, answer.read().decode()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            status, text = None, repr(error)
        return Answer(prompt, status, text, time.monotonic() - began)

    def _drop_if_closed(self) -> None:
        """Send nothing on a connection that the server has closed, as urllib3's pools (RFC 9112 §9.3.1)."""
        sock = self._connection.sock
        if sock is not None and select.select([sock], [], [], 0)[0]:
            self._connection.close()

    def close(self) -> None:
        """Hang up."""
        self._connection.close()
