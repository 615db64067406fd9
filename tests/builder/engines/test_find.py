"""Finding a container engine that answers."""

import hashlib
import json
import socket
import threading
from contextlib import contextmanager

import pytest
from lading.engines.find import addresses, find_engine
from lading.errors import EngineUnavailable

ANSWER = json.dumps({"ApiVersion": "1.41", "Version": "20.10"}).encode()


@contextmanager
def engine_at(path):
    """Answer every request at a Unix socket as an engine answers which version it has."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    if not connection.recv(65536):  # somebody only looked whether anybody is here
                        continue
                    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(ANSWER)}\r\nConnection: close\r\n\r\n"
                    connection.sendall(head.encode() + ANSWER)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"unix://{path}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.fixture(autouse=True)
def no_configuration(tmp_path, monkeypatch):
    """Read no Docker configuration of this machine."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    monkeypatch.setattr("docker.utils.config.home_dir", lambda: str(tmp_path))


def test_what_the_user_names_is_the_only_choice(tmp_path):
    """DOCKER_HOST is taken, and no other engine is asked, whether it answers or not."""
    with engine_at(tmp_path / "engine.sock") as url:
        client = find_engine({"DOCKER_HOST": url})
        assert client.api.base_url
        client.close()

    with pytest.raises(EngineUnavailable) as caught:
        find_engine({"DOCKER_HOST": f"unix://{tmp_path}/nothing.sock"})
    assert "nothing.sock (DOCKER_HOST): no such socket" in str(caught.value)
    assert "podman" not in caught.value.message


def test_podmans_own_variable_is_known():
    """CONTAINER_HOST is where Podman's users say where their engine is."""
    (address,) = addresses({"CONTAINER_HOST": "unix:///run/x.sock"})

    assert str(address) == "unix:///run/x.sock (CONTAINER_HOST)"


def test_usual_places_are_tried_in_order(tmp_path):
    """Without a choice Docker comes before Docker Desktop, rootless Docker and Podman."""
    places = [address.url for address in addresses({"HOME": "/home/x", "XDG_RUNTIME_DIR": "/run/user/1"})]

    assert places == [
        "unix:///var/run/docker.sock",
        "unix:///home/x/.docker/run/docker.sock",
        "unix:///run/user/1/docker.sock",
        "unix:///run/user/1/podman/podman.sock",
        "unix:///run/podman/podman.sock",
    ]


def test_the_current_context_is_known_by_its_name(tmp_path):
    """Other programs are told the name, with which they find the certificates as well."""
    folder = tmp_path / "docker" / "contexts" / "meta" / hashlib.sha256(b"far").hexdigest()
    folder.mkdir(parents=True)
    (tmp_path / "docker" / "config.json").write_text("{}")
    endpoints = {"docker": {"Host": "tcp://127.0.0.1:1", "SkipTLSVerify": False}}
    (folder / "meta.json").write_text(json.dumps({"Name": "far", "Metadata": {}, "Endpoints": endpoints}))

    (address,) = addresses({"DOCKER_CONTEXT": "far"})

    assert (str(address), address.context) == ("tcp://127.0.0.1:1 (Docker context far)", "far")


def test_an_unknown_context_is_an_error():
    """DOCKER_CONTEXT must name a context."""
    with pytest.raises(EngineUnavailable, match=r"no Docker context 'nope'.*docker context ls"):
        list(addresses({"DOCKER_CONTEXT": "nope"}))


def test_the_context_of_the_configuration_is_named_too(tmp_path):
    """A current context that was removed is an error with its name."""
    (tmp_path / "docker").mkdir()
    (tmp_path / "docker" / "config.json").write_text('{"currentContext": "gone"}')

    with pytest.raises(EngineUnavailable, match="no Docker context 'gone'"):
        list(addresses({}))


def test_certificates_that_are_not_there_are_an_error(tmp_path):
    """DOCKER_TLS_VERIFY without its files says which folder lacks them."""
    with pytest.raises(EngineUnavailable, match=r"asks for certificates that are not in .*/nothing"):
        list(
            addresses(
                {
                    "DOCKER_HOST": "tcp://127.0.0.1:1",
                    "DOCKER_TLS_VERIFY": "1",
                    "DOCKER_CERT_PATH": f"{tmp_path}/nothing",
                }
            )
        )


def test_no_engine_says_what_was_tried_and_what_to_do(tmp_path):
    """The message names each place with the reason, and the ways to get an engine."""
    closed = tmp_path / "closed.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(closed))

    with pytest.raises(EngineUnavailable) as caught:
        find_engine({"CONTAINER_HOST": f"unix://{closed}"})

    assert "closed.sock (CONTAINER_HOST): nobody listens" in caught.value.message
    assert "set DOCKER_HOST" in str(caught.value.hint)
