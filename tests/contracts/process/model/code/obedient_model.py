"""A model that does what its input says, on the standard library alone."""

import ctypes
import os
import re
import sys
import tempfile
import threading
import time
from pathlib import Path

WHICH = "first"
"""Changed by tests of a changed model."""


class ObedientModel:
    """Obeys the first word of its prompt."""

    made = 0
    """How many parts of streams this process has made."""

    def predict(self, data):
        """Return what the prompt asks for."""
        word, _, rest = data["prompt"].partition(" ")
        if word in {"pid", "made", "which"}:
            return {"pid": os.getpid(), "made": self.made, "which": WHICH}[word]
        if word == "variable":
            return os.environ.get(rest)
        if word in MISFORTUNES:
            return MISFORTUNES[word](rest)
        if word == "sleep":
            time.sleep(float(rest))
        elif word == "wait":
            wait_for(rest)
        elif word == "leave":
            raise SystemExit(0)
        elif word == "raise":
            raise ValueError(data["prompt"])
        return rest

    def predict_stream(self, data):
        """Obey "delay count size …": wait, give so many parts of that size, then do the rest.

        The delay is a number of seconds, or the path of a file to wait for.
        """
        delay, count, size, *then = data["prompt"].split()
        wait_for(delay) if delay.startswith("/") else time.sleep(float(delay))
        try:
            for number in range(int(count)):
                self.made += 1
                yield {"number": number, "padding": "x" * int(size)}
            if then:
                self.predict({"prompt": " ".join(then)})
        finally:
            print("stream closed", flush=True)  # noqa: T201 - what a model prints stands in the log


def wait_for(path):
    """Say, with a file beside it, that a file is waited for; return when it is there."""
    Path(f"{path}.awaited").touch()
    while not Path(path).exists():
        time.sleep(0.01)


def take_turns(folder):
    """Return if there is a file with the number of this load, such as ``gate-2``."""
    number = 1
    while True:
        try:
            os.close(os.open(folder / f"load-{number}", os.O_CREAT | os.O_EXCL))
            break
        except FileExistsError:
            number += 1
    while not (folder / f"gate-{number}").exists():
        time.sleep(0.01)


def spin(_):
    """Compute for ever."""
    while True:
        pass


def end(rest):
    """End the process, past Python."""
    os._exit(int(rest))


def hold(_):
    """Compute for ever inside of one C call, which holds the interpreter's lock."""
    re.match(r"(a+)+$", "a" * 64 + "b")


def crash(_):
    """Read where there is nothing."""
    ctypes.string_at(0)


def close_sockets(rest):
    """Close all sockets of this process, as a library with a wrong descriptor does."""
    for number in range(3, 1024):
        try:
            if str(Path(f"/proc/self/fd/{number}").readlink()).startswith("socket:"):
                os.close(number)
        except OSError:
            continue
    return rest


def chatter(rest):
    """Print megabytes, also past Python."""
    for number, stream in ((1, sys.stdout), (2, sys.stderr)):
        os.write(number, b"raw \xff\n")
        for _ in range(0 if stream.closed else int(rest)):
            print("x" * 1023, file=stream)
    sys.stdout.close()
    return rest


def leak(rest):
    """Keep so many bytes for ever."""
    LEAKED.append(bytearray(os.urandom(1)) * int(rest))
    return os.getpid()


def fill_disk(rest):
    """Write to a temporary file until there is no more room."""
    with tempfile.NamedTemporaryFile(dir=rest or None, buffering=0) as file:
        while True:
            file.write(b"x" * (1 << 20))


def eat(_):
    """Ask for memory until there is none."""
    while True:
        LEAKED.append(bytearray(os.urandom(1)) * (16 << 20))


LEAKED: list[bytearray] = []
THREADS: list[threading.Thread] = []
MISFORTUNES = {
    "spin": spin,
    "exit": end,
    "hold": hold,
    "crash": crash,
    "close": close_sockets,
    "chatter": chatter,
    "leak": leak,
    "fill": fill_disk,
    "eat": eat,
}


def _load_pyfunc(path):
    """Return the model, when a file named ``gate`` lets it, or fail as told."""
    behaviour = os.environ.get("LOADING", "")
    if behaviour == "raises":
        raise RuntimeError("the weights are missing")
    if behaviour == "dies":
        os._exit(7)
    while behaviour == "waits" and not Path(path, "gate").exists():
        time.sleep(0.01)
    if behaviour == "by each":  # not forkable: each model process loads for itself, one after the other
        THREADS.append(threading.Thread(target=time.sleep, args=(3600,), daemon=True))
        THREADS[0].start()
        take_turns(Path(path))
    return ObedientModel()
