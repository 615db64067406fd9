"""Engines at a socket of this machine, asked without docker-py, which takes a tenth of a second to import.

Only what needs no choice is found here, and only what was understood is an answer: whoever gets none asks
through `lading.engines.find`, which knows contexts, certificates and other machines, and says what is wrong.
"""

import json
import os
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

USUAL = {
    "Docker": ("", "var/run/docker.sock"),
    "Docker Desktop": ("HOME", ".docker/run/docker.sock"),
    "rootless Docker": ("XDG_RUNTIME_DIR", "docker.sock"),
    "rootless Podman": ("XDG_RUNTIME_DIR", "podman/podman.sock"),
    "Podman": ("", "run/podman/podman.sock"),
}
"""Where engines listen when nobody says otherwise: a variable's folder, and the socket below it."""

_TIMEOUT_S = 5
_CHUNK_BYTES = 1 << 16


def usual_sockets(environ: Mapping[str, str]) -> Iterator[tuple[Path, str]]:
    """Give the usual sockets and whose they are, in the order in which they are tried."""
    folders = {"": Path("/"), "HOME": Path(environ.get("HOME", "/"))}
    if "XDG_RUNTIME_DIR" in environ:
        folders["XDG_RUNTIME_DIR"] = Path(environ["XDG_RUNTIME_DIR"])
    for origin, (variable, path) in USUAL.items():
        if variable in folders:
            yield folders[variable] / path, origin


def inspect_image(name: str, environ: Mapping[str, str] = os.environ) -> Mapping[str, Any] | None:
    """Return what the engine that `lading.engines.find` would take says of an image; None without an answer.

    See ``ImageInspect`` in https://docs.docker.com/reference/api/engine/.
    """
    path = _socket(environ)
    if path is None:
        return None
    try:
        answer = _get(path, f"/images/{quote(name, safe='/:@')}/json")
        found: Mapping[str, Any] | None = json.loads(answer) if answer is not None else None
    except (OSError, ValueError):
        return None
    return found


def _socket(environ: Mapping[str, str]) -> Path | None:
    """Return the socket of the engine; None where there is none, or it takes more to know it."""
    chosen = environ.get("DOCKER_HOST") or None
    if chosen is None and _may_have_context(environ):
        return None
    chosen = chosen or environ.get("CONTAINER_HOST") or None
    if chosen is not None:
        return Path(chosen.removeprefix("unix://")) if chosen.startswith("unix://") else None
    return next((path for path, _ in usual_sockets(environ) if path.is_socket()), None)


def _may_have_context(environ: Mapping[str, str]) -> bool:
    """Whether the user may have chosen an engine with ``docker context use``."""
    home = Path(environ.get("HOME") or Path.home())
    folder = Path(environ.get("DOCKER_CONFIG") or home / ".docker")
    files = (folder / "config.json", home / ".docker" / "config.json", home / ".dockercfg")
    return "DOCKER_CONTEXT" in environ or any(
        b"currentContext" in file.read_bytes() for file in files if file.is_file()
    )


def _get(path: Path, target: str) -> bytes | None:
    """Return the body of what a server at the socket *path* has at *target*; None where it has nothing.

    In HTTP/1.0 the body is what follows the head until the server closes the connection (RFC 1945,
    section 7.2.2).

    Raises:
        OSError: nobody answers.
    """
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(_TIMEOUT_S)
        connection.connect(str(path))
        connection.sendall(f"GET {target} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
        answer = b"".join(iter(lambda: connection.recv(_CHUNK_BYTES), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    return body if head.split(b" ")[1:2] == [b"200"] else None
