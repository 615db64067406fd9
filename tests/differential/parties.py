"""The two that are compared: the same request, answered by MLflow and by Lading."""

import json
import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lading_runtime import wire
from lading_runtime.errors import ScoringError
from lading_runtime.payload import Payload
from lading_runtime.protocol.decode import decode
from lading_runtime.protocol.encode import encode
from lading_runtime.schema.signature import read_signature
from lading_runtime.server import answers
from lading_runtime.server.body import unpack_body
from lading_runtime.server.problems import MLFLOW_PROBLEMS
from lading_runtime.server.responses import problem_response
from lading_runtime.wire import Message

from tests.conftest import REPOSITORY

PATIENCE_S = 60
MAX_BODY_BYTES = 100 << 20


@dataclass(frozen=True)
class Signature:
    """What an echo model declares, as MLmodel writes it."""

    inputs: tuple[dict[str, Any], ...] = ()
    params: tuple[dict[str, Any], ...] = ()

    @property
    def written(self) -> dict[str, str | None]:
        """JSON texts in a mapping."""
        return {
            "inputs": json.dumps(self.inputs) if self.inputs else None,
            "params": json.dumps(self.params) if self.params else None,
        }

    @property
    def mlmodel(self) -> dict[str, Any]:
        """What of an MLmodel file says this."""
        return {"signature": self.written} if self.inputs or self.params else {}


@dataclass(frozen=True)
class Said:
    """An answer over HTTP."""

    status: int
    content_type: str | None
    text: str


class Parties:
    """Both, behind one socket to a process in MLflow's environment."""

    def __init__(self, stream: socket.socket) -> None:
        self._stream = stream

    def mlflow(self, signature: Signature, headers: dict[str, str], body: bytes) -> Said:
        """Return what MLflow's scoring server answers."""
        header = {"kind": "score", **signature.written, "headers": list(headers.items())}
        answer = self._ask(Message(header, [body]))
        text = bytes(answer.buffers[0]).decode()
        return Said(answer.header["status"], answer.header["content_type"], text)

    def lading(self, signature: Signature, headers: dict[str, str], body: bytes) -> Said:
        """Return what Lading's server answers, without its sockets and processes."""
        try:
            text = self._predict(signature, headers, body)
        except ScoringError as error:
            response = problem_response(error, MLFLOW_PROBLEMS, has_stack_traces=True)
            return Said(response.status, "application/json", response.body.decode())
        return Said(200, "application/json", text.decode())

    def _predict(self, signature: Signature, headers: dict[str, str], body: bytes) -> bytes:
        known = {name.lower(): value for name, value in headers.items()}
        plain = unpack_body(body, known.get("content-encoding", "").encode(), max_bytes=MAX_BODY_BYTES)
        payload: Payload = decode(plain, known.get("content-type"), read_signature(signature.mlmodel))
        answer = self._ask(answers.request(1, payload, is_streamed=False))
        return encode(answers.value_of(answer.header), answer.buffers, is_wrapped=payload.is_wrapped)

    def _ask(self, message: Message) -> Message:
        wire.send(self._stream, message)
        answer = wire.receive(self._stream)
        assert answer is not None, "the process in MLflow's environment has ended"
        return answer


@contextmanager
def parties(mlflow_python: Path) -> Iterator[Parties]:
    """Start the process and end it."""
    ours, theirs = socket.socketpair()
    ours.settimeout(PATIENCE_S)
    path = os.pathsep.join([str(REPOSITORY), str(REPOSITORY / "runtime")])
    with ours, theirs:
        command = [str(mlflow_python), "-m", "tests.differential.oracle", str(theirs.fileno())]
        process = subprocess.Popen(
            command, env={**os.environ, "PYTHONPATH": path}, pass_fds=[theirs.fileno()], cwd=REPOSITORY
        )
        theirs.close()
        try:
            yield Parties(ours)
        finally:
            ours.close()
            process.wait(PATIENCE_S)
