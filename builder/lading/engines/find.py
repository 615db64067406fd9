"""Finding a container engine that answers."""

import os
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import requests
from docker import DockerClient
from docker.context import Context, ContextAPI
from docker.context.config import get_current_context_name
from docker.errors import DockerException
from docker.tls import TLSConfig
from docker.utils import kwargs_from_env

from lading.engines.sockets import USUAL, usual_sockets
from lading.errors import EngineUnavailable

_PING_S = 5
_TIMEOUT_S = 600
"""For one answer of the API; an engine may be busy writing a large layer."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where an engine may listen."""

    url: str
    origin: str
    """What names it."""

    tls: TLSConfig | bool = False

    context: str | None = None
    """The Docker context that it is of, if it is of one."""

    def __str__(self) -> str:
        return f"{self.url} ({self.origin})"


@dataclass(frozen=True, slots=True)
class Connection:
    """An engine that answers."""

    client: DockerClient
    address: Address


def find_engine(environ: Mapping[str, str] = os.environ) -> DockerClient:
    """Return a client of the engine that the user chose, or of the first one in a usual place.

    Raises:
        EngineUnavailable: none answers; says where it was looked for.
    """
    return connect(environ).client


def connect(environ: Mapping[str, str] = os.environ) -> Connection:
    """Return what `find_engine` finds, with its address for other programs.

    Raises:
        EngineUnavailable: none answers; says where it was looked for.
    """
    tried = []
    for address in addresses(environ):
        try:
            return Connection(_connect(address), address)
        except (DockerException, requests.RequestException, OSError) as error:
            tried.append(f"{address}: {_reason(error)}")
    raise EngineUnavailable(
        f"no container engine answers; tried {'; '.join(tried)}",
        hint="start Docker or Podman, or set DOCKER_HOST (a checkout of Lading has ci/provision for this)",
    )


def is_at_hand(environ: Mapping[str, str] = os.environ) -> bool:
    """Say whether the user has chosen an engine, answering or not, or one answers in a usual place.

    Raises:
        EngineUnavailable: the choice contradicts what is on this machine.
    """
    if any(address.origin in USUAL for address in addresses(environ)):
        try:
            connect(environ).client.close()
        except EngineUnavailable:
            return False
    return True


def addresses(environ: Mapping[str, str]) -> Iterator[Address]:
    """Give where to look, most explicit first; an explicit choice is the only one."""
    if environ.get("DOCKER_HOST"):
        chosen = _of_variables(environ)
        yield Address(chosen["base_url"], "DOCKER_HOST", chosen.get("tls") or False)
        return
    if (context := _chosen_context(environ)) is not None:
        yield context
        return
    if environ.get("CONTAINER_HOST"):
        yield Address(environ["CONTAINER_HOST"], "CONTAINER_HOST")
        return
    for path, origin in usual_sockets(environ):
        yield Address(f"unix://{path}", origin)


def _of_variables(environ: Mapping[str, str]) -> dict[str, Any]:
    """Return what DOCKER_HOST and its neighbours say, as docker-py reads them.

    Raises:
        EngineUnavailable: they contradict what is on this machine.
    """
    try:
        return dict(kwargs_from_env(environment=dict(environ)))
    except DockerException as error:  # certificates that are not there
        raise EngineUnavailable(
            f"DOCKER_TLS_VERIFY asks for certificates that are not in {environ.get('DOCKER_CERT_PATH')!r}",
            hint="set DOCKER_CERT_PATH to the folder of ca.pem, cert.pem and key.pem",
        ) from error


def _chosen_context(environ: Mapping[str, str]) -> Address | None:
    """Return the engine of the Docker context that the user made the current one.

    Raises:
        EngineUnavailable: there is no such context.
    """
    name = environ.get("DOCKER_CONTEXT") or None
    context: Context | None = ContextAPI.get_context(name)
    if context is None:
        chosen = name or get_current_context_name()
        raise EngineUnavailable(f"there is no Docker context {chosen!r}", hint="list them: docker context ls")
    if context.name == "default" or context.Host is None:
        return None
    tls: TLSConfig | None = context.TLSConfig
    origin = f"Docker context {context.name}"
    return Address(context.Host, origin, False if tls is None else tls, context.name)


def _connect(address: Address) -> DockerClient:
    _knock(address)
    DockerClient(base_url=address.url, tls=address.tls, timeout=_PING_S, version="auto").close()
    return DockerClient(base_url=address.url, tls=address.tls, timeout=_TIMEOUT_S, version="auto")


def _knock(address: Address) -> None:
    """Raise the system's own error where nobody listens at a socket; docker-py wraps it three times."""
    if address.url.startswith("unix://"):
        with socket.socket(socket.AF_UNIX) as door:
            door.settimeout(_PING_S)
            door.connect(address.url.removeprefix("unix://"))


def _reason(error: Exception) -> str:
    match error:
        case FileNotFoundError():
            return "no such socket"
        case PermissionError():
            return "no permission"
        case ConnectionRefusedError():
            return "nobody listens"
        case _:
            return str(error).splitlines()[0]
