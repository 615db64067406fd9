"""One request's reply: a body, an error, or server-sent events in the form of MLflow's agent server.

The form (``mlflow.genai.agent_server.server.AgentServer``): ``data: JSON`` and an empty line per part of
the answer, ``data: [DONE]`` at the end; an error after the first part is ``data: {"error": "…"}``
before that end, here with the further members of an error's body. Before the first part nothing has
been sent, so that an error is still a response of its own.
"""

from __future__ import annotations

import asyncio

import orjson
from starlette.types import Message, Send

from lading_runtime.errors import ScoringError
from lading_runtime.server.dialect import DONE
from lading_runtime.server.interruption import ClientDisconnected, Cutoff
from lading_runtime.server.problems import MLFLOW_PROBLEMS, ProblemFormat
from lading_runtime.server.responses import Response, problem_response, send_whole

EVENT_STREAM = b"text/event-stream; charset=utf-8"
HEADERS = [
    (b"content-type", EVENT_STREAM),
    (b"cache-control", b"no-cache"),
    # nginx gathers responses unless it is told not to.
    (b"x-accel-buffering", b"no"),
]


def event_of(data: bytes) -> bytes:
    """Return *data* as a server-sent event."""
    return b"data: " + data + b"\n\n"


class Reply:
    """What one client is told. A client that takes nothing for *patience_s* counts as one that left."""

    def __init__(
        self,
        send: Send,
        patience_s: float,
        *,
        has_stack_traces: bool,
        problems: ProblemFormat = MLFLOW_PROBLEMS,
        ending: bytes | None = DONE,
    ) -> None:
        self._send = send
        self._patience_s = patience_s
        self._problems = problems
        self._ending = ending
        self._has_stack_traces = has_stack_traces
        self._has_begun = False

    async def answer(self, response: Response) -> None:
        """Answer with the whole of a prediction."""
        await send_whole(self._send, response)

    async def event(self, data: bytes) -> None:
        """Send a part of a prediction.

        Raises:
            ClientDisconnected: the client takes nothing any more.
        """
        await self._send_body(event_of(data), is_last=False)

    async def end(self) -> None:
        """Say that there are no more parts."""
        await self._send_body(b"" if self._ending is None else event_of(self._ending), is_last=True)

    async def refuse(self, error: ScoringError) -> None:
        """Answer with *error*; after the first part, as the last event before the end."""
        if not self._has_begun:
            has_traces = self._has_stack_traces
            await send_whole(self._send, problem_response(error, self._problems, has_stack_traces=has_traces))
            return
        fields = self._problems.fields(error, has_stack_traces=self._has_stack_traces)
        await self.event(orjson.dumps({"error": fields.pop("message", ""), **fields}))
        await self.end()

    async def _send_body(self, body: bytes, *, is_last: bool) -> None:
        if not self._has_begun:
            self._has_begun = True
            await self._send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        message: Message = {"type": "http.response.body", "body": body, "more_body": not is_last}
        until = asyncio.get_running_loop().time() + self._patience_s
        with Cutoff(until, ClientDisconnected()):
            await self._send(message)
