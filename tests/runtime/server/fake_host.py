"""A model host with processes that predict nothing, but do what their payload says; wire.py's contract.

    python fake_host.py --control-fd N --each PLAN

A payload ``parts N`` is streamed in N parts, ``parts N hang`` never ends after them, and ``parts N raise``
ends with an error; the size of a part is that of the payload's buffers.

PLAN has a word for each process that is asked for, the last one also for all that follow: ``ready``,
``failed``, ``dies`` (before it is ready).
"""

import argparse
import itertools
import os
import select
import signal
import socket
import struct
import time

from lading_runtime import wire
from lading_runtime.worker.lifetime import hang_on


def main() -> None:
    """Fork a process for each datagram, until there are no more."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--control-fd", type=int)
    parser.add_argument("--each", default="ready")
    options = parser.parse_args()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    words = options.each.split(",")
    plan = itertools.chain(words, itertools.repeat(words[-1]))
    with socket.socket(fileno=options.control_fd) as control:
        while (datagram := wire.receive_datagram(control)) is not None:
            stream, lifeline = datagram.sockets
            word = next(plan)
            if os.fork() == 0:
                control.close()
                os.setpgid(0, 0)
                hang_on(lifeline)
                serve(stream, word)
            for each in datagram.sockets:
                each.close()


def serve(stream: socket.socket, word: str) -> None:
    """Be a model process."""
    if word == "dies":
        os._exit(1)
    if word == "failed":
        error = {"source": "load", "type": "RuntimeError", "message": "RuntimeError: no weights"}
        wire.send(stream, wire.Message({"kind": "failed", "error": error}))
        os._exit(0)
    facts = {"load_s": 0.5, "is_streamable": True}
    wire.send(stream, wire.Message({"kind": "ready", "pid": os.getpid(), "model": facts}))
    while (request := wire.receive(stream)) is not None:
        if request.header["kind"] == "predict":
            answer(stream, request)
    os._exit(0)


def send_parts(stream: socket.socket, request: wire.Message) -> None:
    """Send the parts of a streamed answer until there is news."""
    number, value = request.header["id"], request.header["payload"].get("value", "parts 2")
    _, count, *then = value.split()
    part = {"kind": "chunk", "id": number, "value": {"kind": "json", "buffer": 0}}
    for _ in range(int(count)):
        wire.send(stream, wire.Message(part, [b"".join(map(bytes, request.buffers))]))
        if select.select([stream], [], [], 0)[0]:
            break
    if then == ["hang"]:
        time.sleep(600)
    if then == ["raise"]:
        raise_error(stream, number)
        return
    wire.send(stream, wire.Message({"kind": "end", "id": number}))


def raise_error(stream: socket.socket, number: int) -> None:
    """Say that the model raised."""
    error = {"source": "model", "type": "KeyError", "message": "KeyError: 'x'", "stack_trace": "KeyError"}
    wire.send(stream, wire.Message({"kind": "error", "id": number, "error": error}))


def double(stream: socket.socket, request: wire.Message) -> None:
    """Answer twice each number; -1 raises, -2 ends the process, -3 hangs, -4 answers for all rows at once."""
    numbers = struct.unpack(f"<{len(request.buffers[0]) // 8}d", request.buffers[0])
    if -3 in numbers:
        time.sleep(600)
    if -2 in numbers:
        os._exit(1)
    if -1 in numbers:
        raise_error(stream, request.header["id"])
        return
    doubled = [2 * number for number in numbers if -4 not in numbers] or [len(numbers)]
    value = {"kind": "array", "dtype": "<f8", "shape": [len(doubled)], "buffer": 0}
    answered = {"kind": "prediction", "id": request.header["id"], "value": value}
    wire.send(stream, wire.Message(answered, [struct.pack(f"<{len(doubled)}d", *doubled)]))


def answer(stream: socket.socket, request: wire.Message) -> None:
    """Do what the payload says."""
    number, value = request.header["id"], request.header["payload"].get("value")
    if request.header["payload"].get("kind") == "array":
        double(stream, request)
        return
    if value == "exit":
        os._exit(1)
    if value == "hang":
        time.sleep(600)
    if value == "garbage":
        stream.sendall(b"\xff" * 64)
        return
    if value == "other":
        number += 1
    if value == "raise":
        raise_error(stream, number)
        return
    if request.header["stream"]:
        send_parts(stream, request)
        return
    text = str(os.getpid()).encode() if value == "pid" else b"".join(map(bytes, request.buffers))
    answered = {"kind": "prediction", "id": number, "value": {"kind": "json", "buffer": 0}}
    wire.send(stream, wire.Message(answered, [text]))


if __name__ == "__main__":
    main()
