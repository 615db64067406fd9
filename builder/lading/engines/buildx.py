"""The ``docker buildx`` command, which has the BuildKit of an engine build.

BuildKit is spoken to over gRPC in a way of its own, which docker-py does not know and the command does.
"""

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import requests
from docker import DockerClient

from lading.engines.find import Address, Connection

_OLDEST_API = (1, 39)
"""Of Docker 18.09, the first with BuildKit."""


@dataclass(frozen=True, slots=True)
class Buildx:
    """The command, and which engine it shall build in."""

    program: str
    """``docker``."""

    builder: str
    """The BuildKit that is part of the engine, whatever the user chose with ``docker buildx use``: no other
    one sees the engine's images, so a base image that is only there could not be built on."""

    environ: Mapping[str, str]

    grace_s: float = 10
    """For an interrupted build: the engine must end what runs in it."""

    def build(self, *arguments: str, told: Callable[[str], None]) -> bool:
        """Run ``docker buildx build``, which is ended when this is left in any way; return its success.

        Args:
            arguments: of the command.
            told: is given each line that it prints.
        """
        command = (self.program, "buildx", "--builder", self.builder, "build", *arguments)
        with _running(command, self.environ, self.grace_s) as process:
            for line in process.stdout or ():
                told(line.rstrip())
            return process.wait() == 0


def find_buildx(connection: Connection, environ: Mapping[str, str] = os.environ) -> Buildx | None:
    """Return the command for an engine; None where either of them cannot do it, or the user wants it off.

    It is off with ``DOCKER_BUILDKIT=0``, as for ``docker build``.
    """
    if environ.get("DOCKER_BUILDKIT", "1").lower() in {"0", "f", "false"}:
        return None
    program = shutil.which("docker", path=environ.get("PATH"))
    if program is None or not _has_buildkit(connection.client):
        return None
    address = connection.address
    buildx = Buildx(program, address.context or "default", _environ(address, environ))
    return buildx if _answers(buildx) else None


def _has_buildkit(client: DockerClient) -> bool:
    """Whether the engine is Docker itself, for Linux images, with a BuildKit that is not turned off."""
    try:
        engine = client.api.get(f"{client.api.base_url}/_ping").headers
    except requests.RequestException:  # whoever builds will find out why
        return False
    version = tuple(map(int, engine.get("Api-Version", "0").split(".")))
    return (
        engine.get("Server", "").startswith("Docker/")
        and engine.get("Ostype") == "linux"
        and engine.get("Builder-Version") != "1"
        and version >= _OLDEST_API
    )


def _environ(address: Address, environ: Mapping[str, str]) -> Mapping[str, str]:
    """Return the variables with which ``docker`` speaks to the engine at *address*."""
    # An attestation holds the time of the build: equal images would no longer be equal.
    variables = {**environ, "BUILDX_NO_DEFAULT_ATTESTATIONS": "1"}
    if address.context is not None:
        return {**variables, "DOCKER_CONTEXT": address.context}
    return {**variables, "DOCKER_HOST": environ.get("DOCKER_HOST") or address.url}


def _answers(buildx: Buildx) -> bool:
    """Whether the plugin is there; Podman's own ``docker`` answers too, but with another name."""
    command = (buildx.program, "buildx", "version")
    try:
        done = subprocess.run(command, env=buildx.environ, capture_output=True, text=True, check=False)
    except OSError:
        return False
    return done.returncode == 0 and "buildx" in done.stdout


@contextmanager
def _running(
    command: tuple[str, ...], environ: Mapping[str, str], grace_s: float
) -> Iterator[subprocess.Popen[str]]:
    """Give a process of its own session, which Ctrl-C on a terminal does not reach before it reaches us."""
    process = subprocess.Popen(
        command,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    )
    with process:
        try:
            yield process
        finally:
            if process.poll() is None:
                _end(process, grace_s)


def _end(process: subprocess.Popen[str], grace_s: float) -> None:
    """End ``docker`` and its plugin, which are a process group: by request, then by force."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=grace_s)
            return
