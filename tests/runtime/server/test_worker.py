"""When a worker ends, and who is answered until then."""

import asyncio
import os
import socket
from typing import Any

import pytest
import uvicorn
import uvloop
from lading_runtime.server import worker
from lading_runtime.server.probes import Drain
from lading_runtime.server.worker import DrainingServer

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
OK = b"HTTP/1.1 200"


async def answer(scope, receive, send):
    """Answer any request."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body"})


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """Give a busy machine time to come to the last requests."""
    monkeypatch.setattr(worker, "LAST_REQUESTS_S", 60.0)


@pytest.fixture
def listener():
    """Return a socket that listens."""
    with socket.create_server(("127.0.0.1", 0)) as made:
        yield made


def server_of(master):
    """Return a server whose worker was forked by *master*."""
    config = uvicorn.Config(
        answer, loop="uvloop", http="httptools", ws="none", lifespan="off", log_config=None
    )
    return DrainingServer(config, Drain(), delay_s=0.0, client_timeout_s=60.0, master=master)


def drain(listener, *others):
    """Serve on *listener* and drain at once, while *others* go on; a client has connected before."""
    server = server_of(master=os.getppid())

    async def main():
        config = server.config
        config.load()
        server.lifespan = config.lifespan_class(config)
        await server.startup([listener])
        going_on = [asyncio.create_task(other) for other in others]
        await asyncio.sleep(0)
        await server.shutdown([listener])
        await asyncio.gather(*going_on)

    loop = uvloop.new_event_loop()
    loop.run_until_complete(main())
    loop.close()


def asking(address):
    """Return a client that has connected and asked."""
    client = socket.create_connection(address)
    client.sendall(REQUEST)
    return client


def answered(clients):
    """Return how the answer to each client begins."""
    answers = [client.recv(len(OK), socket.MSG_WAITALL) for client in clients]
    for client in clients:
        client.close()
    return answers


def test_whoever_connects_before_the_end_of_listening_is_answered(listener):
    """One client after the other, whatever the event loop does meanwhile: each is refused or answered."""
    address = listener.getsockname()
    clients: list[Any] = []

    async def connect_until_refused():
        while True:
            try:
                clients.append(asking(address))
            except ConnectionRefusedError:
                return
            await asyncio.sleep(0)

    drain(listener, connect_until_refused())

    assert clients
    assert answered(clients) == [OK] * len(clients)


def test_all_who_wait_at_the_end_of_listening_are_answered(listener):
    """Connections that came while the worker could not look, however many, are taken before it ends."""
    address = listener.getsockname()
    clients: list[Any] = []

    async def connect_all():
        clients.extend(asking(address) for _ in range(50))

    drain(listener, connect_all())

    assert answered(clients) == [OK] * 50


@pytest.mark.parametrize("is_alive", [True, False])
def test_a_worker_whose_master_has_died_ends(is_alive):
    """Even if that was before the worker came to look who its parent is."""
    master = os.getppid() if is_alive else os.getpid()  # nobody is forked by himself

    assert asyncio.run(server_of(master).on_tick(1)) is not is_alive
