"""The peers: other servers of Python models, each in an environment of its own, on the same iris model.

Their programs are in `peers`, as their own documentation writes them, batching on where they have it.
"""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from environments import NotInstallable, environment
from serving import Party, Question, free_port

FOLDER = Path(__file__).with_name("peers")
ROW = [5.1, 3.5, 1.4, 0.2]
COMMON = {"DO_NOT_TRACK": "1", "BENTOML_DO_NOT_TRACK": "1"}


@dataclass(frozen=True)
class Peer:
    """A server, and how it is started and asked."""

    name: str
    folder: str
    ready: str
    question: Question

    checks: str
    """What it makes of requests that the model cannot take."""

    command: Callable[[Path, Path, int], list[str]]
    """From its interpreter, its folder and a port."""

    def party(self, python: Path, model_file: Path, port: int) -> Party:
        """Return the server on *port*."""
        path = f"{python.parent}{os.pathsep}{os.environ['PATH']}"
        env = COMMON | mlserver_ports(port) | {"PATH": path, "PORT": str(port)}
        env |= {"MODEL_FILE": str(model_file), "MLSERVER_MODEL_URI": str(model_file)}
        return Party(self.name, self.command(python, FOLDER / self.folder, port), env, self.ready)

    def python(self) -> Path:
        """Return the interpreter of its environment.

        Raises:
            NotInstallable: it cannot be installed here.
        """
        return environment(self.folder, FOLDER / self.folder / "requirements.txt")


def mlserver_ports(port: int) -> dict[str, str]:
    """Return what tells MLServer where to listen; it listens on three ports."""
    names = ("MLSERVER_GRPC_PORT", "MLSERVER_METRICS_PORT")
    return {"MLSERVER_HTTP_PORT": str(port), **{name: str(free_port()) for name in names}}


def bento(python: Path, folder: Path, port: int) -> list[str]:
    """Return how BentoML is started."""
    options = ["--working-dir", str(folder), "--host", "127.0.0.1", "--port", str(port)]
    return [str(python.with_name("bentoml")), "serve", "service:Iris", *options]


def program(python: Path, folder: Path, _: int) -> list[str]:
    """Return how a server is started that is a program of its own."""
    return [str(python), str(folder / "server.py")]


PEERS = (
    Peer(
        "MLServer",
        "mlserver",
        "/v2/models/iris/ready",
        Question(
            {"inputs": [{"name": "rows", "shape": [1, 4], "datatype": "FP64", "data": ROW}]},
            "/v2/models/iris/infer",
            ("outputs", 0, "data", 0),
        ),
        "the form of the request; not against a signature",
        lambda python, folder, _: [str(python.with_name("mlserver")), "start", str(folder)],
    ),
    Peer(
        "LitServe",
        "litserve",
        "/health",
        Question({"input": ROW}, "/predict", ("output",)),
        "nothing: what the model cannot take is a 500",
        program,
    ),
    Peer(
        "BentoML",
        "bentoml",
        "/readyz",
        Question({"rows": [ROW]}, "/classify", (0,)),
        "that it is an array; one that the model cannot take is a 500",
        bento,
    ),
    Peer(
        "KServe's SDK",
        "kserve",
        "/v1/models/iris",
        Question({"instances": [ROW]}, "/v1/models/iris:predict"),
        "that there is a list of instances; what the model cannot take is a 500. It does not batch",
        program,
    ),
)


def installed() -> dict[str, tuple[Peer, Path]]:
    """Return the peers with their interpreters; one that cannot be installed here is said loudly."""
    found = {}
    for peer in PEERS:
        try:
            found[peer.name] = (peer, peer.python())
        except NotInstallable as error:
            print(f"\n*** {peer.name} IS MISSING: it cannot be installed here:\n{error}\n", file=sys.stderr)
    return found
