"""Everybody who has connected is accepted at the end, and nobody is waited for."""

import socket

import pytest
from lading_runtime.server import listening
from lading_runtime.server.listening import accept_the_last, descriptors_of


@pytest.fixture
def listener():
    """Return a socket that listens, and that nobody accepts from."""
    with socket.create_server(("127.0.0.1", 0)) as made:
        yield made


def connected(listener, count):
    """Return clients that have connected."""
    return [socket.create_connection(listener.getsockname()) for _ in range(count)]


def close(*sockets):
    """Close all of them."""
    for each in sockets:
        each.close()


@pytest.mark.parametrize("count", [0, 1, 20])
def test_everybody_who_has_connected_is_accepted(listener, count):
    """As many as there are, without a wait for more; then the descriptor is closed."""
    clients = connected(listener, count)
    ours = descriptors_of([listener])

    accepted = accept_the_last(ours)

    assert {each.getpeername() for each in accepted} == {each.getsockname() for each in clients}
    assert [each.fileno() for each in ours] == [-1]
    close(*clients, *accepted)


def test_who_connects_without_end_is_not_accepted_without_end(listener, monkeypatch):
    """There is a limit, whoever still waits."""
    monkeypatch.setattr(listening, "MAX_LAST", 3)
    clients = connected(listener, 5)

    accepted = accept_the_last(descriptors_of([listener]))

    assert len(accepted) == 3
    close(*clients, *accepted)


def test_where_others_have_taken_over_nobody_is_accepted(listener):
    """A socket that is closed already is left alone."""
    listener.close()

    assert accept_the_last(descriptors_of([listener])) == []
