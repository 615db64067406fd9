"""What a Dockerfile finds beside it: the wheels, the installer and the model; as a tar stream, for engines.

Nothing is held in memory: files are read while they are sent. Times and owners are constant, and no name in
the context is the user's except below ``model/``, so a ``.dockerignore`` of a model ignores nothing.
"""

import tarfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import assert_never

from lading import assets
from lading.digest import Digest
from lading.engines.dockerfile import Stage
from lading.errors import BuildFailed
from lading.folder import Entry, File, Folder, Link, entries
from lading.layer import EnvironmentLayer, FolderLayer, PinnedWheel
from lading.plan import RUNTIME, ImagePlan

_CHUNK_BYTES = 1 << 20
_BLOCK_BYTES = 512

TIME = 315532801
"""1980-01-01 00:00:01 UTC: the earliest that programs which make zip files accept."""


@dataclass(frozen=True, slots=True)
class Data:
    """A file whose content is at hand."""

    path: str
    content: bytes


Item = Entry | Data


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
            return _environment(stage, _dependencies(plan.server), uv)
        case Stage.ENVIRONMENT:
            context = _environment(stage, plan.environment.pinned(), uv)
            return _on_conda(context, plan.environment.conda) if plan.environment.conda else context
        case Stage.MODEL:
            return _model(plan)
        case _:
            assert_never(stage)


def whole_context(plan: ImagePlan, uv: Callable[[], Path]) -> Context:
    """Return the context of the whole Dockerfile."""
    contexts = [stage_context(stage, plan, uv) for stage in Stage]

    def items() -> Iterator[Item]:
        known = set()
        for item in chain.from_iterable(context.items() for context in contexts):
            if item.path not in known:  # both environments are installed by the same program
                known.add(item.path)
                yield item

    return Context("\n".join(context.fingerprint for context in contexts), items)


def _dependencies(server: EnvironmentLayer) -> tuple[PinnedWheel, ...]:
    """Return what the server needs beside the runtime itself, which changes more often and comes later."""
    return tuple(wheel for wheel in server.pinned() if wheel.name != RUNTIME)


def _environment(stage: Stage, wheels: tuple[PinnedWheel, ...], uv: Callable[[], Path]) -> Context:
    script = (assets.templates() / "install.py").read_bytes()
    requirements = "".join(f"{wheel.requirement}\n" for wheel in wheels).encode()

    def items() -> Iterator[Item]:
        yield from (_file("uv", uv(), is_executable=True), Data("install.py", script))
        yield from (Folder(stage), Data(f"{stage}/requirements.txt", requirements))
        yield from (_file(f"{stage}/{wheel.path.name}", wheel.path) for wheel in wheels)

    return Context(str(Digest.of(script + requirements)), items)


def _on_conda(context: Context, conda: FolderLayer) -> Context:
    """Return *context* with the conda packages that its wheels go on top of."""

    def items() -> Iterator[Item]:
        yield from context.items()
        yield Folder("conda")
        yield from (replace(entry, path=f"conda/{entry.path}") for entry in entries(conda.source))

    return Context(f"{context.fingerprint} {conda.digest}", items)


def _file(path: str, source: Path, *, is_executable: bool = False) -> File:
    return File(path, is_executable, source, source.stat().st_size)


def _model(plan: ImagePlan) -> Context:
    runtime = next(wheel for wheel in plan.server.pinned() if wheel.name == RUNTIME)

    def items() -> Iterator[Item]:
        yield Folder("runtime")
        yield from _unpacked(runtime.path)
        yield Folder("model")
        yield from (replace(entry, path=f"model/{entry.path}") for entry in entries(plan.model.source))

    return Context(f"{runtime.digest} {plan.model.digest}", items)


def _unpacked(wheel: Path) -> Iterator[Item]:
    """Give the files of a wheel that has nothing but Python modules, as they lie in an environment."""
    with zipfile.ZipFile(wheel) as archive:
        for name in sorted(archive.namelist()):
            yield Data(f"runtime/{name}", archive.read(name))


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
    info.mtime = TIME
    match item:
        case Folder():
            info.type, info.mode = tarfile.DIRTYPE, 0o755
            return info, ()
        case Link(goal=goal):
            info.type, info.mode, info.linkname = tarfile.SYMTYPE, 0o777, goal
            return info, ()
        case Data(content=content):
            info.size, info.mode = len(content), 0o644
            return info, (content,)
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
