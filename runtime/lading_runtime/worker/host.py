"""The model host: it loads the model once, then does nothing but fork model processes.

The loaded model lies in memory that all forks share for as long as nobody writes to it. A model that
does not survive a fork (`forkability`) is given back by starting this program anew in the same
process; from then on it forks first, and each model process loads for itself.

What it is told, and how, is written in `lading_runtime.wire`.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import signal
import socket
import sys
import time
import traceback
import warnings
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Iterator, NoReturn, Sequence

from lading_runtime import wire
from lading_runtime.worker.facts import facts_of
from lading_runtime.worker.failure import describe, stack_trace, text_of
from lading_runtime.worker.forkability import reason_against_forking
from lading_runtime.worker.libraries import import_libraries
from lading_runtime.worker.lifetime import Limit, hang_on, offer_to_the_oom_killer
from lading_runtime.worker.loaders.choice import load
from lading_runtime.worker.log import report
from lading_runtime.worker.model import ModelFolder, Unloadable
from lading_runtime.worker.process import FailedModel, ReadyModel, flush_output, serve

EACH_LOADS = "--each-loads"
"""The option with which the host starts itself anew: model processes load the model themselves."""

LOADING_THRESHOLDS = (200_000, 10, 10)
"""When garbage is looked for while a model is loaded (`gc.set_threshold`).

Imports make a hundred thousand objects that all stay. With Python's own thresholds a tenth of the time of
loading goes into looking through them hundreds of times; `Host.run` looks once, at the end.
"""

MAX_CHARACTERS = 1 << 12
"""Of the text of an error of loading."""

TERMINATION = (signal.SIGINT, signal.SIGTERM)
"""Signals that reach the whole process group, while the server still drains its requests."""


def main(arguments: Sequence[str]) -> None:
    """Run the model host until nobody has the other end of its control socket any more."""
    ignore_termination()
    options = parse(arguments)
    environment, folder = dict(os.environ), Path.cwd()
    model = ModelFolder(options.model.resolve(), json.loads(read_all(options.mlmodel_fd)))
    loaded = None if options.each_loads else load_model(model, is_shared=True)
    reason = reason_to_start_anew(loaded)
    if reason is not None:
        report(f"the model is loaded by each model process: {reason}")
        os.chdir(folder)
        start_anew(environment)
    os.close(options.mlmodel_fd)
    with socket.socket(fileno=options.control_fd) as control:
        control.set_inheritable(False)
        Host(control, model, loaded, options.busy_poll_us / 1e6).run()


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Return the options; a mistake in them ends the program, as it is one of the server's."""
    parser = argparse.ArgumentParser(prog="bootstrap.py")
    parser.add_argument("--control-fd", type=int, required=True)
    parser.add_argument("--mlmodel-fd", type=int, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--busy-poll-us", type=int, default=0)
    parser.add_argument(EACH_LOADS, action="store_true")
    return parser.parse_args(arguments)


def read_all(descriptor: int) -> bytes:
    """Return all that *descriptor* holds; its position, which the master shares, stays where it is."""
    return os.pread(descriptor, os.fstat(descriptor).st_size, 0)


def load_model(model: ModelFolder, *, is_shared: bool) -> ReadyModel | FailedModel:
    """Return *model* loaded, or why it cannot be; whatever its code raises, this process lives on."""
    began = time.monotonic()
    try:
        with seldom_collected():
            loaded = load(model)
            import_libraries(model)
    except BaseException as error:  # noqa: BLE001 - handed on to everyone who asks for a model process
        return failed_model(error)
    finally:
        ignore_termination()  # whatever handlers the model's libraries have put there
    duration_s = time.monotonic() - began
    return ReadyModel(loaded, facts_of(model, loaded, is_shared=is_shared, load_s=duration_s))


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Look for garbage seldom, unless the model's code decides otherwise: then that stays."""
    before = gc.get_threshold()
    gc.set_threshold(*LOADING_THRESHOLDS)
    try:
        yield
    finally:
        if gc.get_threshold() == LOADING_THRESHOLDS:
            gc.set_threshold(*before)


def failed_model(error: BaseException) -> FailedModel:
    """Return *error* as the answer to everyone; also print it, with the model's own frames."""
    text = shortened(text_of(error))
    message = text if isinstance(error, Unloadable) else f"{type(error).__name__}: {text}"
    report(f"the model cannot be loaded: {message}", stack_trace(error, shortened))
    return FailedModel({**describe(error, "load", shortened), "message": message})


def shortened(text: str) -> str:
    """Return *text*, which goes into logs and answers, or its beginning if it is very long."""
    return text if len(text) <= MAX_CHARACTERS else f"{text[:MAX_CHARACTERS]}\N{HORIZONTAL ELLIPSIS}"


def reason_to_start_anew(model: ReadyModel | FailedModel | None) -> str | None:
    """Return why *model*, loaded in this process, must not be shared with forks, or None if it may."""
    if not isinstance(model, ReadyModel):
        return None
    if not model.loaded.is_forkable:
        return "its loader says that it does not survive a fork"
    return reason_against_forking()


def start_anew(environment: dict[str, str]) -> NoReturn:
    """Replace this program by itself, with nothing of the model in memory."""
    flush_output()
    # A signal that comes before the new program ignores it would end it.
    signal.pthread_sigmask(signal.SIG_BLOCK, TERMINATION)
    command = [*getattr(sys, "orig_argv", [sys.executable, *sys.argv]), EACH_LOADS]
    os.execve(sys.executable, command, environment)  # noqa: S606 - our own command line, as it was


def ignore_termination() -> None:
    """Let the server decide when to end: it drains first, and then closes its sockets.

    A handler that does nothing, and not ``SIG_IGN``, which programs that the model starts would inherit.
    """
    for number in TERMINATION:
        signal.signal(number, lambda *_: None)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, TERMINATION)


class Host:
    """Forks a model process for each stream that comes."""

    def __init__(
        self,
        control: socket.socket,
        model: ModelFolder,
        loaded: ReadyModel | FailedModel | None,
        busy_poll_s: float = 0.0,
    ) -> None:
        self._control = control
        self._model = model
        self._loaded = loaded
        self._busy_poll_s = busy_poll_s
        self._children: set[int] = set()

    def run(self) -> None:
        """Do as the control socket says until it ends; then no model process has anybody to answer."""
        gc.collect()
        gc.freeze()
        signal.signal(signal.SIGCHLD, lambda *_: self._reap())
        while True:
            datagram = wire.receive_datagram(self._control)
            if datagram is None:
                break
            self._obey(datagram)
        self._kill(list(self._children))

    def _obey(self, datagram: wire.Datagram) -> None:
        with ExitStack() as here:
            for each in datagram.sockets:
                here.enter_context(each)
            self._provide(datagram)
        self._reap()

    def _provide(self, datagram: wire.Datagram) -> None:
        """Give the stream in *datagram* a model process, or say why it gets none."""
        stream, *lifelines = datagram.sockets
        if isinstance(self._loaded, FailedModel):
            serve(stream, self._loaded)
            return
        try:
            pid = fork()
        except OSError as error:
            serve(stream, FailedModel(describe(error, "load", str)))
            return
        if pid == 0:
            self._become_model_process(stream, lifelines, Limit.of(datagram.header))
        self._children.add(pid)

    def _become_model_process(
        self, stream: socket.socket, lifelines: Sequence[socket.socket], limit: Limit
    ) -> NoReturn:
        status = 1
        try:
            # Children of the model stay in the group, and end with the process.
            os.setpgid(0, 0)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            self._control.close()
            offer_to_the_oom_killer()
            for lifeline in lifelines:
                hang_on(lifeline)
            model = self._loaded or load_model(self._model, is_shared=False)
            serve(stream, model, limit, self._busy_poll_s)
            status = 0
        except BaseException as error:  # noqa: BLE001 - shown, and the server sees its socket end
            # Without its text, which may repeat a payload.
            frames = "".join(traceback.format_tb(error.__traceback__))
            report(f"a model process ends: {type(error).__name__}", frames)
        finally:
            flush_output()
            # Not sys.exit: what the host registered to happen at its own end is not this process's.
            os._exit(status)

    def _kill(self, pids: list[int]) -> None:
        """Kill model processes with all that they started; one that was just forked has no group yet."""
        for pid in pids:
            for kill in (os.killpg, os.kill):
                with suppress(ProcessLookupError):
                    kill(pid, signal.SIGKILL)

    def _reap(self) -> None:
        """Collect the model processes that have ended, and end what they have started and left behind.

        Children that the model started while it was loaded are its own.
        """
        for pid in list(self._children):
            with suppress(ChildProcessError):
                if os.waitpid(pid, os.WNOHANG)[0] == 0:
                    continue
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)
            self._children.discard(pid)


def fork() -> int:
    """Fork; what Python warns of, `forkability` has checked."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()
