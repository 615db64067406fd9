"""A model host to talk to, and small models for it."""

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import lading_runtime
import pytest
import yaml
from lading_runtime import wire
from lading_runtime.wire import Message

BOOTSTRAP = Path(lading_runtime.__file__).parent / "worker" / "bootstrap.py"
TIMEOUT_S = 120
FOR_EVER = wire.Lifetime()


@dataclass
class ModelProcess:
    """The server's end of the socket to one model process."""

    stream: socket.socket
    lifeline: socket.socket
    """The kernel kills the process when this is closed."""
    first: dict[str, Any]
    """Its first message: ready, or failed."""

    @property
    def pid(self) -> int:
        """The model process itself."""
        return int(self.first["pid"])

    def ask(self, data: Any, kind: str = "json", params: Any = None, **more: Any) -> list[Message]:
        """Send one request; return the messages up to the last one that answers it."""
        self.send(data, kind, params, **more)
        answers = [self.receive()]
        while answers[-1].header["kind"] == "chunk":
            answers.append(self.receive())
        return answers

    def send(self, data: Any, kind: str = "json", params: Any = None, **more: Any) -> None:
        """Send one request."""
        node = None if params is None else {"kind": "json", "buffer": 1}
        header = {"kind": "predict", "id": 1, "payload": {"kind": kind, "buffer": 0}, "params": node, **more}
        buffers = [json.dumps(part).encode() for part in (data, params)]
        wire.send(self.stream, Message(header, buffers))

    def receive(self) -> Message:
        """Return the next message; there must be one."""
        message = wire.receive(self.stream)
        assert message is not None, "the model process has gone"
        return message

    def predict(self, data: Any, kind: str = "json", params: Any = None) -> Any:
        """Return the prediction for *data*, as JSON has it."""
        (answer,) = self.ask(data, kind, params)
        assert answer.header["kind"] == "prediction", answer.header
        return json_of(answer)

    def error(self, data: Any, kind: str = "json") -> dict[str, Any]:
        """Return the error that answers *data*."""
        (answer,) = self.ask(data, kind)
        assert answer.header["kind"] == "error", answer.header
        return dict(answer.header["error"])

    def is_alive(self) -> bool:
        """Tell whether the process runs; one that is only waited for does not."""
        try:
            return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        except OSError:
            return False

    def is_gone(self) -> bool:
        """Wait for the end of the stream; tell whether it came without another message."""
        try:
            return wire.receive(self.stream) is None
        except ConnectionResetError:
            return True


def json_of(message: Message) -> Any:
    """Return the value of a message as the server would send it."""
    value, (buffer,) = message.header["value"], message.buffers
    if value["kind"] == "json":
        return json.loads(bytes(buffer))
    numpy = pytest.importorskip("numpy")
    array = numpy.frombuffer(buffer, value["dtype"]).reshape(value["shape"])
    return json.loads(re.sub(r"-?Infinity|NaN", "null", json.dumps(array.tolist())))


@dataclass
class RunningHost:
    """A model host, and the server's end of its control socket."""

    process: subprocess.Popen[str]
    control: socket.socket
    streams: list[socket.socket] = field(default_factory=list)

    def sockets(self, lifetime: wire.Lifetime = FOR_EVER) -> tuple[socket.socket, socket.socket]:
        """Ask for a model process; return the socket that it will serve, and its lifeline."""
        (ours, theirs), (held, lifeline) = socket.socketpair(), socket.socketpair()
        ours.settimeout(TIMEOUT_S)
        self.streams += [ours, held]
        with theirs, lifeline:
            wire.request_fork(self.control, 1, theirs, lifeline, lifetime)
        return ours, held

    def stream(self) -> socket.socket:
        """Ask for a model process; return the socket that it will serve."""
        return self.sockets()[0]

    def model_process(self, lifetime: wire.Lifetime = FOR_EVER) -> ModelProcess:
        """Ask for a model process; return it when it has said its first word."""
        stream, lifeline = self.sockets(lifetime)
        first = wire.receive(stream)
        assert first is not None, "no model process came"
        return ModelProcess(stream, lifeline, first.header)

    def children(self) -> list[int]:
        """Return the processes that the host has forked and not collected yet."""
        tasks = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in tasks.read_text().split()]

    def end(self) -> int:
        """Close the control socket; return the host's exit status."""
        self.control.close()
        return self.process.wait(TIMEOUT_S)

    def output(self) -> str:
        """End the host; return what it and its model processes have printed."""
        self.end()
        assert self.process.stdout is not None
        return self.process.stdout.read()

    def close(self) -> None:
        """Leave nothing behind."""
        self.control.close()
        for stream in self.streams:
            stream.close()
        self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


def launch(folder: Path, python: Path, environment: dict[str, str]) -> RunningHost:
    """Start a model host as the server's master does."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    mlmodel = os.memfd_create("MLmodel")
    text = (folder / "MLmodel").read_text()
    os.write(mlmodel, json.dumps(yaml.safe_load(text), default=str).encode())
    descriptors = {"--control-fd": theirs.fileno(), "--mlmodel-fd": mlmodel}
    options = [str(word) for option in descriptors.items() for word in option]
    process = subprocess.Popen(
        [str(python), str(BOOTSTRAP), *options, "--model", str(folder)],
        pass_fds=tuple(descriptors.values()),
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    theirs.close()
    os.close(mlmodel)
    return RunningHost(process, ours)


@pytest.fixture
def start_host() -> Iterator[Callable[..., RunningHost]]:
    """Give a function that starts a model host for a folder, by default with the tests' interpreter."""
    with ExitStack() as running:
        yield partial(launch_within, running)


@pytest.fixture(scope="module")
def start_shared_host() -> Iterator[Callable[..., RunningHost]]:
    """Give the same function for hosts that the tests of one file share."""
    with ExitStack() as running:
        yield partial(launch_within, running)


def launch_within(
    running: ExitStack, folder: Path, python: Path = Path(sys.executable), **environment: str
) -> RunningHost:
    """Start a model host that ends with *running*."""
    host = launch(folder, python, environment)
    running.callback(host.close)
    return host


@pytest.fixture
def make_model(tmp_path: Path) -> Callable[..., Path]:
    """Give a function that writes a model with a loader of its own, and perhaps more modules beside it.

    Its data are JSON as it is, so that nothing but the standard library is imported.
    """

    def make(loader: str, conf: dict[str, Any] | None = None, **modules: str) -> Path:
        folder = tmp_path / "model"
        (folder / "code").mkdir(parents=True)
        for name, source in {"own_loader": loader, **modules}.items():
            (folder / "code" / f"{name}.py").write_text(source)
        flavour = {"loader_module": "own_loader", "code": "code", **(conf or {})}
        document = {"flavors": {"python_function": flavour}, "is_signature_from_type_hint": True}
        (folder / "MLmodel").write_text(yaml.safe_dump(document))
        return folder

    return make
