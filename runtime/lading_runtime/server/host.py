"""The model host, as the master sees it: started once, asked through its control socket, restarted.

The master keeps both ends of the control socket. So what workers ask for while there is no host (the
old one died, the new one is being started or loads the model) waits in the socket.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import lading_runtime.worker
from lading_runtime import wire
from lading_runtime.server.control import Control, Recycling, Report, receive_forks, receive_reports
from lading_runtime.server.model import ServedModel
from lading_runtime.server.readiness import Readiness

BOOTSTRAP = Path(lading_runtime.worker.__file__).with_name("bootstrap.py")
EXIT_S = 2.0
"""How long the host may take to end by itself once nobody can ask it anything."""


class ModelHost:
    """The process that loads the model and forks the model processes."""

    def __init__(
        self, model: ServedModel, python: Path, variables: Mapping[str, str], busy_poll_us: int
    ) -> None:
        self._model = model
        self._python = python
        self._variables = variables
        self._busy_poll_us = busy_poll_us
        self._ours, self._theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._reports, self._reporters = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # The host's end blocks: the host shares it.
        for end in (self._ours, self._reports, self._reporters):
            end.setblocking(False)
        # The model's environment need not have a YAML parser, nor the image a writable folder.
        self._mlmodel: int | None = os.memfd_create("mlmodel")
        os.write(self._mlmodel, json.dumps(model.mlmodel, default=str).encode())
        self._process: subprocess.Popen[bytes] | None = None
        self._master = os.getpid()

    def start(self) -> None:
        """Start the process; it loads the model at once."""
        assert self._mlmodel is not None  # noqa: S101 - it is not forgotten
        os.lseek(self._mlmodel, 0, os.SEEK_SET)
        command = [
            *(str(self._python), str(BOOTSTRAP)),
            *("--control-fd", str(self._theirs.fileno())),
            *("--mlmodel-fd", str(self._mlmodel)),
            *("--model", str(self._model.folder)),
            *("--busy-poll-us", str(self._busy_poll_us)),
        ]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **self._variables},
            pass_fds=(self._theirs.fileno(), self._mlmodel),
            # A session of its own: Ctrl-C in a terminal asks the server to drain, not the model to end.
            start_new_session=True,
        )

    def poll(self) -> str | None:
        """Return how the process ended, if it has.

        gunicorn, which waits for all children, may have seen it first; then the status is lost.
        """
        status = None if self._process is None else self._process.poll()
        if status is None:
            return None
        return f"killed by signal {-status}" if status < 0 else f"exit code {status}"

    def worker_control(self, readiness: Readiness, recycling: Recycling) -> Control:
        """Return a worker's way to the host; called in the worker, which keeps nothing else of this."""
        for inherited in (self._theirs, self._reports):
            inherited.close()
        if self._mlmodel is not None:
            os.close(self._mlmodel)
        return Control(self._ours, self._reporters, readiness, recycling)

    def probe(self) -> tuple[socket.socket, socket.socket]:
        """Ask for a model process of the master's own; return its stream and its lifeline."""
        (ours, stream), (held, lifeline) = socket.socketpair(), socket.socketpair()
        with stream, lifeline:
            wire.request_fork(self._ours, os.getpid(), stream, lifeline)
        return ours, held

    def forget(self) -> None:
        """Keep nothing of the host: called in a worker of another one, and when it is no more."""
        for end in (self._ours, self._theirs, self._reports, self._reporters):
            end.close()
        if self._mlmodel is not None:
            os.close(self._mlmodel)
            self._mlmodel = None

    def reports(self) -> Iterator[Report]:
        """Yield what workers have reported since last time."""
        return receive_reports(self._reports)

    def refuse(self, error: dict[str, Any]) -> None:
        """Answer in place of a dead host: the model cannot be loaded."""
        for waiting in receive_forks(self._theirs):
            with waiting:
                wire.send(waiting, wire.Message({"kind": "failed", "error": error}))

    def close(self) -> None:
        """End the process, and everything that it forked. Does nothing in a worker, where it is not ours."""
        if os.getpid() != self._master or self._process is None:
            return
        self.forget()
        try:
            self._process.wait(EXIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
