"""The `docker buildx` command: when it is used, how it is called, how it ends."""

import os
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import requests
from lading.engines.buildx import Buildx, find_buildx
from lading.engines.find import Address, Connection, connect

DOCKER = {"Server": "Docker/20.10.24 (linux)", "Ostype": "linux", "Api-Version": "1.41"}
SOCKET = Address("unix:///run/x.sock", "Docker")


def connection(address: Address = SOCKET, headers: dict[str, str] | None = None) -> Connection:
    """An engine that answers a ping with these headers; without any it does not answer."""

    def get(url: str) -> SimpleNamespace:
        assert url == "http+docker://localhost/_ping"
        if headers == {}:
            raise requests.ConnectionError
        return SimpleNamespace(headers=headers or DOCKER)

    client: object = SimpleNamespace(api=SimpleNamespace(base_url="http+docker://localhost", get=get))
    return Connection(client, address)  # type: ignore[arg-type]  # the part of a client that is asked


@pytest.fixture
def docker(tmp_path):
    """Puts a `docker` with the given shell script on a path of its own; gives the environment for it."""

    def put(script: str) -> dict[str, str]:
        program = tmp_path / "bin" / "docker"
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        return {"PATH": f"{program.parent}:{os.environ['PATH']}"}

    return put


PLUGIN = 'if [ "$1 $2" = "buildx version" ]; then echo github.com/docker/buildx v0.13.1; exit; fi'
PRINTS = f'{PLUGIN}\necho "$@"; env'


def printed(buildx: Buildx | None, *arguments: str) -> list[str]:
    """What a build with this command prints."""
    assert buildx is not None
    lines: list[str] = []
    assert buildx.build(*arguments, told=lines.append)
    return lines


def test_it_builds_in_the_engine_that_was_found(docker):
    """The command gets the engine's address, the engine's own BuildKit, and nothing that holds a time."""
    command, *variables = printed(find_buildx(connection(), docker(PRINTS)), "--load", "folder")

    assert command == "buildx --builder default build --load folder"
    assert {"DOCKER_HOST=unix:///run/x.sock", "BUILDX_NO_DEFAULT_ATTESTATIONS=1"} <= set(variables)


def test_the_users_choice_of_an_engine_is_handed_on(docker):
    """A context is named, because it may need certificates; so is what DOCKER_HOST says."""
    context = Address("tcp://far:2376", "Docker context far", context="far")
    environ = docker(PRINTS)
    command, *variables = printed(find_buildx(connection(context), environ))
    assert command == "buildx --builder far build"
    assert "DOCKER_CONTEXT=far" in variables
    assert not [line for line in variables if line.startswith("DOCKER_HOST")]

    chosen = Address("https://far:2376", "DOCKER_HOST")
    command, *variables = printed(
        find_buildx(connection(chosen), {**environ, "DOCKER_HOST": "tcp://far:2376"})
    )
    assert command == "buildx --builder default build"
    assert "DOCKER_HOST=tcp://far:2376" in variables


@pytest.mark.parametrize(
    "headers",
    [
        {"Server": "Libpod/4.3.1 (linux)", "Ostype": "linux", "Api-Version": "1.41"},
        {**DOCKER, "Ostype": "windows"},
        {**DOCKER, "Api-Version": "1.38"},
        {**DOCKER, "Builder-Version": "1"},
        {},
    ],
)
def test_not_every_engine_has_buildkit(docker, headers):
    """Podman, Windows, an old Docker and one with BuildKit turned off have none."""
    assert find_buildx(connection(headers=headers), docker(PRINTS)) is None


def test_todays_docker_has_buildkit(docker):
    """It says so itself."""
    assert find_buildx(connection(headers={**DOCKER, "Builder-Version": "2"}), docker(PRINTS)) is not None


@pytest.mark.parametrize(
    "script", ["echo \"docker: 'buildx' is not a docker command.\" >&2; exit 1", "echo buildah 1.28.2"]
)
def test_the_command_may_be_missing(docker, script):
    """A `docker` without the plugin, or a `docker` that is Podman, cannot build; nor can none."""
    assert find_buildx(connection(), docker(script)) is None
    assert find_buildx(connection(), {"PATH": "/nowhere"}) is None


def test_a_command_that_cannot_be_run_is_none(docker, tmp_path):
    """A `docker` for another machine is no reason to fail."""
    environ = docker("")
    (tmp_path / "bin" / "docker").write_bytes(b"\x7fELF nonsense")

    assert find_buildx(connection(), environ) is None


@pytest.mark.parametrize(("value", "is_used"), [("0", False), ("False", False), ("1", True), ("", True)])
def test_buildkit_can_be_turned_off(docker, value, is_used):
    """DOCKER_BUILDKIT=0 means here what it means for `docker build`."""
    found = find_buildx(connection(), {**docker(PRINTS), "DOCKER_BUILDKIT": value})

    assert (found is not None) == is_used


def test_a_failure_is_told(docker):
    """The command's own exit code says whether the image was built; what it printed was handed on."""
    buildx = find_buildx(connection(), docker(f"{PLUGIN}\necho out; echo err >&2; exit 1"))
    assert buildx is not None
    lines: list[str] = []

    assert not buildx.build("folder", told=lines.append)
    assert lines == ["out", "err"]


@pytest.mark.parametrize("reaction", ["", "trap '' TERM;"])
def test_an_interrupted_build_is_ended(docker, reaction):
    """Ctrl-C ends the command and its plugin, by force if they do not obey."""
    script = f"{PLUGIN}\n{reaction} sh -c 'echo $$; {reaction} while :; do sleep 1; done' & wait; wait"
    found = find_buildx(connection(), docker(script))
    assert found is not None
    buildx = replace(found, grace_s=0.3)
    plugins: list[int] = []

    def interrupt(line: str) -> None:
        plugins.append(int(line))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        buildx.build("folder", told=interrupt)

    until = time.monotonic() + 60  # a signal is delivered when the kernel comes to it
    while is_running(plugins[0]):
        assert time.monotonic() < until, "the plugin goes on"


def is_running(process: int) -> bool:
    """Whether a process is there and not merely waits for its parent to notice its end."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


@pytest.mark.container
def test_the_engine_of_the_tests_builds_with_it():
    """Tests build with BuildKit and without, so this machine has to have it."""
    found = connect()
    environ = {**os.environ, "DOCKER_BUILDKIT": "1"}

    assert find_buildx(found, environ) is not None, "docker buildx does not build here; run ci/buildx"
    found.client.close()
