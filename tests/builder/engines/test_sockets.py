"""Engines at a socket of this machine are asked without docker-py."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from lading.engines.sockets import inspect_image

FACTS = {"Id": "sha256:1", "Os": "linux", "Architecture": "amd64"}
FOUND = b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n" + json.dumps(FACTS).encode()


@contextmanager
def engine(path: Path, answer: bytes) -> Iterator[list[bytes]]:
    """Answer every request at a Unix socket with the same bytes; give what was asked."""
    asked: list[bytes] = []
    path.parent.mkdir(parents=True, exist_ok=True)
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
                    request = b""
                    while b"\r\n\r\n" not in request:
                        request += connection.recv(65536)
                    asked.append(request.partition(b"\r\n")[0])
                    connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield asked
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """A user without any configuration, whose engine is their own."""
    return {"HOME": str(tmp_path), "DOCKER_HOST": f"unix://{tmp_path}/engine.sock"}


def test_an_image_is_asked_for(tmp_path, environ):
    """One question, one answer."""
    with engine(tmp_path / "engine.sock", FOUND) as asked:
        assert inspect_image("example.com:5000/a/b:1@sha256:0", environ) == FACTS

    assert asked == [b"GET /images/example.com:5000/a/b:1@sha256:0/json HTTP/1.0"]


def test_a_name_cannot_ask_for_more(tmp_path, environ):
    """Whatever is in it stays part of the path."""
    with engine(tmp_path / "engine.sock", FOUND) as asked:
        inspect_image("a b?c=1\r\nX: y", environ)

    assert asked == [b"GET /images/a%20b%3Fc%3D1%0D%0AX%3A%20y/json HTTP/1.0".replace(b"%3A", b":")]


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.0 404 Not Found\r\n\r\n{}",
        b"HTTP/1.0 200 OK\r\n\r\n" + json.dumps(FACTS).encode()[:-1],
        b"HTTP/1.0 200 OK\r\n\r\n\xff",
        b"nonsense",
        b"",
    ],
)
def test_what_is_no_answer_is_none(tmp_path, environ, answer):
    """Missing images, broken connections and strangers: docker-py finds out what it is."""
    with engine(tmp_path / "engine.sock", answer):
        assert inspect_image("a:1", environ) is None


def test_nobody_there_is_no_answer(tmp_path, environ):
    """A socket that is gone, or one that nobody listens at."""
    assert inspect_image("a:1", environ) is None
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "engine.sock"))

    assert inspect_image("a:1", environ) is None


def test_the_first_usual_place_is_asked(tmp_path, monkeypatch):
    """As without a choice it is in `lading.engines.find`."""
    monkeypatch.setattr("lading.engines.sockets.USUAL", {"A": ("HOME", "a.sock"), "B": ("HOME", "b.sock")})

    with engine(tmp_path / "b.sock", FOUND):
        assert inspect_image("a:1", {"HOME": str(tmp_path)}) == FACTS


def test_podmans_variable_comes_before_usual_places(tmp_path):
    """As in `lading.engines.find`."""
    with engine(tmp_path / "podman.sock", FOUND):
        environ = {"HOME": str(tmp_path), "CONTAINER_HOST": f"unix://{tmp_path}/podman.sock"}
        assert inspect_image("a:1", environ) == FACTS


@pytest.mark.parametrize(
    "choice",
    [
        {"DOCKER_HOST": "tcp://127.0.0.1:1"},
        {"DOCKER_CONTEXT": "far"},
        {"CONTAINER_HOST": "ssh://somebody@example.com"},
    ],
)
def test_what_takes_a_choice_is_left_to_others(tmp_path, monkeypatch, choice):
    """Other machines and contexts are not looked for here, also where a usual place would answer."""
    monkeypatch.setattr("lading.engines.sockets.USUAL", {"A": ("HOME", "a.sock")})

    with engine(tmp_path / "a.sock", FOUND) as asked:
        assert inspect_image("a:1", {"HOME": str(tmp_path), **choice}) is None

    assert asked == []


@pytest.mark.parametrize("name", [".docker/config.json", ".dockercfg", "own/config.json"])
def test_a_context_that_was_chosen_for_good_is_left_to_others(tmp_path, monkeypatch, name):
    """The configuration may name one, wherever it is."""
    monkeypatch.setattr("lading.engines.sockets.USUAL", {"A": ("HOME", "a.sock")})
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text('{"currentContext": "far"}')

    with engine(tmp_path / "a.sock", FOUND):
        assert inspect_image("a:1", {"HOME": str(tmp_path), "DOCKER_CONFIG": str(tmp_path / "own")}) is None
