"""What a Dockerfile finds beside it: the wheels, the installer and the model, as a tar stream or as a folder.

Nothing is held in memory: files are read while they are sent. Times and owners are constant, and no name in
the context is the user's except below ``model/``, so a ``.dockerignore`` of a model ignores nothing.
"""

import shutil
import tarfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import assert_never

from lading import assets
from lading.digest import Digest
from lading.engines.dockerfile import Stage
from lading.errors import BuildFailed
from lading.folder import Entry, File, Folder, Link, entries
from lading.layer import EnvironmentLayer
from lading.plan import ImagePlan

_CHUNK_BYTES = 1 << 20
_BLOCK_BYTES = 512

_TIME = 315532801
"""1980-01-01 00:00:01 UTC: the earliest that programs which make zip files accept."""


@dataclass(frozen=True, slots=True)
class Text:
    """A file whose content is known already."""

    path: str
    content: str


Item = Entry | Text


@dataclass(frozen=True, slots=True)
class Context:
    """What one Dockerfile needs, and the digest of what it makes of it."""

    fingerprint: str
    """Equal for contexts that make equal images; uv's version, which only installs, is not part of it."""

    items: Callable[[], Iterable[Item]]
    """Called when it must be sent."""


def stage_context(stage: Stage, plan: ImagePlan, uv: Callable[[], Path]) -> Context:
    """Return the context of *stage*.

    Args:
        stage: which.
        plan: what is made.
        uv: gives uv for the plan's platform; called only when it must be sent.
    """
    match stage:
        case Stage.SERVER:
            return _environment(stage, plan.server, uv)
        case Stage.ENVIRONMENT:
            return _environment(stage, plan.environment, uv)
        case Stage.MODEL:
            return Context(str(plan.model.digest), lambda: _model(plan.model.source))
        case _:
            assert_never(stage)


def _environment(stage: Stage, layer: EnvironmentLayer, uv: Callable[[], Path]) -> Context:
    script = (assets.templates() / "install.py").read_text()
    wheels = layer.pinned()
    requirements = "".join(f"{wheel.requirement}\n" for wheel in wheels)

    def items() -> Iterator[Item]:
        yield from (_file("uv", uv(), is_executable=True), Text("install.py", script))
        yield from (Folder(stage), Text(f"{stage}/requirements.txt", requirements))
        yield from (_file(f"{stage}/{wheel.path.name}", wheel.path) for wheel in wheels)

    return Context(str(Digest.of((script + requirements).encode())), items)


def _file(path: str, source: Path, *, is_executable: bool = False) -> File:
    return File(path, is_executable, source, source.stat().st_size)


def _model(source: Path) -> Iterator[Item]:
    yield Folder("model")
    for entry in entries(source):
        yield replace(entry, path=f"model/{entry.path}")


def size_bytes(items: Iterable[Item]) -> int:
    """Return about how many bytes the tar stream of *items* has."""
    return sum(item.size_bytes if isinstance(item, File) else _BLOCK_BYTES for item in items)


def tar(items: Iterable[Item]) -> Iterator[bytes]:
    """Give the bytes of a tar archive of *items*.

    Raises:
        BuildFailed: a file changes while it is read.
    """
    for item in items:
        info, content = _member(item)
        yield info.tobuf(tarfile.PAX_FORMAT, errors="surrogateescape")
        sent = 0
        for chunk in content:
            sent += len(chunk)
            yield chunk
        if sent != info.size:
            raise BuildFailed(f"{item.path!r} changed while it was read", hint="build again")
        yield bytes(-info.size % _BLOCK_BYTES)
    yield bytes(2 * _BLOCK_BYTES)


def _member(item: Item) -> tuple[tarfile.TarInfo, Iterable[bytes]]:
    info = tarfile.TarInfo(item.path)
    info.mtime = _TIME
    match item:
        case Folder():
            info.type, info.mode = tarfile.DIRTYPE, 0o755
            return info, ()
        case Link(goal=goal):
            info.type, info.mode, info.linkname = tarfile.SYMTYPE, 0o777, goal
            return info, ()
        case Text(content=content):
            data = content.encode()
            info.size, info.mode = len(data), 0o644
            return info, (data,)
        case File(is_executable=is_executable, source=source, size_bytes=size):
            info.size, info.mode = size, 0o755 if is_executable else 0o644
            return info, _read(source, size)
        case _:
            assert_never(item)


def _read(source: Path, size: int) -> Iterator[bytes]:
    """Give the bytes of a file, never more than *size*."""
    with source.open("rb") as file:
        while size > 0 and (chunk := file.read(min(size, _CHUNK_BYTES))):
            size -= len(chunk)
            yield chunk


def write(items: Iterable[Item], folder: Path) -> None:
    """Write *items* as files below *folder*, which exists."""
    for item in items:
        path = folder / item.path
        match item:
            case Folder():
                path.mkdir(parents=True, exist_ok=True)
            case Link(goal=goal):
                path.symlink_to(goal)
            case Text(content=content):
                path.write_text(content)
            case File(is_executable=is_executable, source=source):
                shutil.copyfile(source, path)
                path.chmod(0o755 if is_executable else 0o644)
            case _:
                assert_never(item)
