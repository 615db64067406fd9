"""Takes an interpreter out of its image, and starts it.

What it needs is one archive in the store, unpacked while it is used. Its own dynamic linker starts it with
its own libraries (``man ld.so``).
"""

import logging
import re
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lading.digest import Digest
from lading.engines.oci.bytecode.base_files import Program, take
from lading.engines.oci.bytecode.compiler import PROGRAM, Command
from lading.errors import InvalidImage, StoreError
from lading.oci.image import Image
from lading.oci.tar import END, TarEntry, padding
from lading.store import Store, store_errors

logger = logging.getLogger(__name__)

_IDENTITY = "import sys; print(sys.implementation.name, sys.version.split()[0])"
_REQUEST = b'["/x.py", 6]\nx = 1\n'
_NOT_COMPILED = b"[null"
_HEADER = slice(4, 16)
_UNCHECKED = b"\1".ljust(12, b"\0")
"""In place of flags, time and size: bytecode that is never compared with its source (PEP 552)."""
_TIMEOUT_S = 60
_ENCODINGS = re.compile(r"/(?:encodings/\w+|stringprep)\.py$")


@dataclass(frozen=True, slots=True)
class Taken:
    """An interpreter that is in the store from now on."""

    digest: Digest
    """Of the archive with all its files."""

    program: str
    linker: str
    version: str


@contextmanager
def started(store: Store, digest: Digest, program: str, linker: str) -> Iterator[Command]:
    """Give what starts the interpreter in the archive *digest*; its files are there until this ends.

    Raises:
        StoreError: the store has lost them, or cannot be written.
    """
    archive = store.find(digest)
    if archive is None:
        raise StoreError("the base image's interpreter was removed from the store", hint="build again")
    with store.temporary_folder() as folder:
        with store_errors("write", folder), tarfile.open(archive, "r:") as opened:
            _unpack({entry.name: _read(opened, entry) for entry in opened}, folder)
        yield _command(folder, program, linker)


def taken(image: Image, python: str, store: Store) -> Taken | None:
    """Return the interpreter *python* of *image*; None where it does not run here.

    Raises:
        DigestMismatch: a layer is damaged.
        StoreError: the store cannot be written.
    """
    try:
        program = take(image, python)
    except InvalidImage as error:  # such as one with Zstandard, which this Python does not read
        logger.info("the base image cannot be read", extra={"reason": error.message})
        return None
    prepared = _prepared(program, store) if program else None
    if program is None or prepared is None:
        return None
    version, compiled = prepared
    digest = store.add(_archive(_used(program.files, compiled) | compiled))
    return Taken(digest, program.path, program.linker, version)


def _prepared(program: Program, store: Store) -> tuple[str, dict[str, bytes]] | None:
    """Return the version of *program*, and bytecode of what it imports at its start; None if it fails."""
    with store.temporary_folder() as folder:
        with store_errors("write", folder):
            _unpack(program.files, folder)
        command = _command(folder, program.path, program.linker)
        try:
            name, version = _run(command, "-S", "-c", _IDENTITY).decode().split()
            is_compiler = not _run(command, "-S", PROGRAM, request=_REQUEST).startswith(_NOT_COMPILED)
        except (OSError, subprocess.SubprocessError, ValueError) as error:
            logger.info("the base image's interpreter does not run here", extra={"reason": str(error)})
            return None
        return (version, dict(_compiled(folder))) if name == "cpython" and is_compiler else None


def _run(command: Command, *words: str | Path, request: bytes = b"") -> bytes:
    """Return what an interpreter answers; it writes bytecode of what it imports."""
    done = subprocess.run(
        [*command.words, *words],
        env=command.environ,
        input=request,
        capture_output=True,
        check=True,
        timeout=_TIMEOUT_S,
    )
    return done.stdout


def _compiled(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the bytecode that an interpreter has written, as it is for files whose times are lost."""
    for path in folder.rglob("*.pyc"):
        data = path.read_bytes()
        yield path.relative_to(folder).as_posix(), data[: _HEADER.start] + _UNCHECKED + data[_HEADER.stop :]


def _used(files: Mapping[str, bytes], compiled: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return *files* without the modules that were not imported; a source may still name any encoding."""
    imported = {Path(path).parents[1] / f"{Path(path).name.partition('.')[0]}.py" for path in compiled}
    return {
        path: data
        for path, data in files.items()
        if not path.endswith(".py") or Path(path) in imported or _ENCODINGS.search(path)
    }


def _command(folder: Path, program: str, linker: str) -> Command:
    """Return what starts an interpreter in *folder*; this machine's environment has no part in it."""
    words = (folder / linker, "--library-path", folder / "lib", folder / program)
    return Command(words, {"PYTHONHOME": str(folder)})


def _archive(files: Mapping[str, bytes]) -> Iterator[bytes]:
    for path, data in sorted(files.items()):
        yield TarEntry(path, size_bytes=len(data)).header() + data + padding(len(data))
    yield END


def _read(archive: tarfile.TarFile, entry: tarfile.TarInfo) -> bytes:
    content = archive.extractfile(entry)
    return content.read() if content else b""


def _unpack(files: Mapping[str, bytes], folder: Path) -> None:
    for parent in sorted({(folder / path).parent for path in files}):
        parent.mkdir(parents=True, exist_ok=True)
    for path, data in files.items():
        target = folder / path
        target.write_bytes(data)
        if path.startswith("bin/") or ".so" in path:
            target.chmod(0o755)
