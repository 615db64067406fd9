"""Interpreters at work: source in, bytecode out; whatever a source does to them, they go on with the next."""

import json
import os
import queue
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Protocol, cast

from lading.errors import BuildFailed

PROGRAM = Path(__file__).with_name("target_program.py")
"""What the interpreters run."""

_OPTIONS = ("-s", "-S", "-B", "-W", "ignore")
"""No site-packages of anybody, nothing written, no warnings. Not ``-I``, which would ignore the next."""

_HASH_SEED = {"PYTHONHASHSEED": "0"}
"""Before 3.11, frozensets were written in the order of their hashes."""

MAX_SOURCE_BYTES = 4 << 20
"""Larger files are data that somebody wrote as Python; a parser takes a hundred times their size."""

_ENDS_TO_BELIEVE = 3
"""How often an interpreter may end at once before it is the interpreter that is broken."""


@dataclass(frozen=True, slots=True)
class Import:
    """An import statement, as it stands in the source."""

    level: int
    """How many dots it begins with."""

    module: str
    names: tuple[str, ...]
    """After ``from … import``; a star is one."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """What an interpreter made of a module."""

    pyc: bytes | None
    """None for what is no Python of this version."""

    imports: tuple[Import, ...] = ()
    texts: tuple[str, ...] = ()
    """Texts in the module's body that may be names of modules."""


@dataclass(frozen=True, slots=True)
class Command:
    """How an interpreter is started on this machine."""

    words: tuple[str | Path, ...]
    """What precedes its options."""

    environ: Mapping[str, str]


class Interpreter(Protocol):
    """A Python whose bytecode the image's Python can read."""

    @property
    def version(self) -> str:
        """Its version, such as 3.11.2: all of it that has a say in the bytes."""
        ...

    def ready(self) -> AbstractContextManager[Command]:
        """Give what starts it, until nobody starts it any more.

        Raises:
            StoreError: what it is made of is in the store no more.
        """
        ...


@dataclass(frozen=True, slots=True)
class HostInterpreter:
    """A Python of this machine."""

    path: Path
    version: str

    @contextmanager
    def ready(self) -> Iterator[Command]:
        """Give what starts it; our own environment says where its libraries are."""
        ours = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        yield Command((self.path,), ours)


@dataclass(frozen=True, slots=True)
class Compilers:
    """Several processes of one interpreter."""

    interpreter: Interpreter
    idle: "queue.SimpleQueue[_Process]" = field(default_factory=queue.SimpleQueue)
    stack: ExitStack = field(default_factory=ExitStack)
    """Holds what the interpreter needs while it runs."""

    commands: list[Command] = field(default_factory=list)
    """What starts it, once somebody needed it."""

    lock: threading.Lock = field(default_factory=threading.Lock)

    def compile(self, path: str, source: bytes) -> Compiled:
        """Return what becomes of a module; to be called by several threads at once.

        Args:
            path: absolute, in the image.
            source: as it is in the wheel, in any encoding.

        Raises:
            BuildFailed: the interpreter cannot be run.
        """
        if len(source) > MAX_SOURCE_BYTES:
            return Compiled(None)
        process = self._process()
        try:
            found = process.compile(path, source)
        except (OSError, ValueError):  # it has crashed, ran out of time, or out of memory: no Python to us
            process.end()
            self._check()
            return Compiled(None)
        self.idle.put(process)
        return found

    def end(self) -> None:
        """End all processes."""
        while not self.idle.empty():
            self.idle.get().end()
        self.stack.close()

    def _process(self) -> "_Process":
        try:
            return self.idle.get_nowait()
        except queue.Empty:
            return _Process.start(self._command())

    def _command(self) -> Command:
        with self.lock:
            if not self.commands:
                self.commands.append(self.stack.enter_context(self.interpreter.ready()))
        return self.commands[0]

    def _check(self) -> None:
        """Raise if the interpreter cannot even compile nothing.

        Raises:
            BuildFailed: it cannot.
        """
        for _ in range(_ENDS_TO_BELIEVE):
            process = _Process.start(self._command())
            try:
                process.compile("/nothing.py", b"")
            except (OSError, ValueError):
                process.end()
            else:
                self.idle.put(process)
                return
        raise BuildFailed(f"{_name(self._command())} cannot compile", hint="repair it, or use --bytecode off")


@contextmanager
def compilers(interpreter: Interpreter) -> Iterator[Compilers]:
    """Give compilers; their processes, which start when they are needed, have ended afterwards."""
    found = Compilers(interpreter)
    try:
        yield found
    finally:
        found.end()


@dataclass(frozen=True, slots=True)
class _Process:
    """An interpreter that runs our program."""

    process: subprocess.Popen[bytes]

    @classmethod
    def start(cls, command: Command) -> "_Process":
        try:
            process = subprocess.Popen(
                [*command.words, *_OPTIONS, PROGRAM],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**command.environ, **_HASH_SEED},
                start_new_session=True,  # Ctrl-C is for us: a module whose compiler dies counts as no Python
            )
        except OSError as error:
            raise BuildFailed(
                f"{_name(command)} cannot be run: {error.strerror}", hint="use --bytecode off"
            ) from error
        return cls(process)

    def compile(self, path: str, source: bytes) -> Compiled:
        """Return what becomes of one module.

        Raises:
            OSError: the process has ended.
            ValueError: it has, and its answer is none.
        """
        requests, answers = cast("IO[bytes]", self.process.stdin), cast("IO[bytes]", self.process.stdout)
        requests.write(json.dumps([path, len(source)]).encode() + b"\n" + source)
        requests.flush()
        size_bytes, imports, texts = json.loads(answers.readline())
        pyc = None if size_bytes is None else answers.read(size_bytes)
        if pyc is not None and len(pyc) != size_bytes:
            raise ValueError("the answer ends too early")
        found = (Import(level, module, tuple(names)) for level, module, names in imports)
        return Compiled(pyc, tuple(found), tuple(texts))

    def end(self) -> None:
        """End it, whatever it does."""
        self.process.kill()
        self.process.communicate()


def _name(command: Command) -> str:
    """Return what errors call an interpreter."""
    return repr(str(command.words[-1]))
