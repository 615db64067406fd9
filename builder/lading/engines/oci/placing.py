"""Where the files of a wheel belong in a virtual environment, as installers place them.

The rules are those of the binary distribution format
(https://packaging.python.org/en/latest/specifications/binary-distribution-format/) and, where it leaves a
choice, of uv, so that both engines make the same environment. Nothing says who installed it
(``INSTALLER``, ``REQUESTED``): pip reads neither where it lists or checks.
"""

import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email.parser import HeaderParser
from pathlib import Path
from typing import BinaryIO

from packaging.utils import canonicalize_name, parse_wheel_filename

from lading.engines.oci.record import Record, row
from lading.engines.oci.scheme import Scheme, folders_of
from lading.engines.oci.scripts import generated, rewritten
from lading.engines.oci.wheel import Member, Span, inflate, invalid, read, read_members

_WHEEL_VERSION = "1."
_MODULES = ("purelib", "platlib")


@dataclass(frozen=True, slots=True)
class PlacedFile:
    """A file of an environment."""

    path: str
    """Below the environment, with slashes."""

    content: Span | bytes
    """Where the wheel has it, or the bytes that were written for this environment."""

    is_executable: bool


@dataclass(frozen=True, slots=True)
class _Package:
    """A wheel that is being placed."""

    wheel: Path
    file: BinaryIO
    members: Mapping[str, Member]
    scheme: Scheme
    info: str
    """The name of its ``.dist-info`` folder."""

    @property
    def data(self) -> str:
        """The folder of what belongs elsewhere than among the modules."""
        return self.info.removesuffix(".dist-info") + ".data"

    @property
    def folders(self) -> Mapping[str, str]:
        """Where the folders of ``.data`` belong, below the environment."""
        minor, name = self.scheme.minor, parse_wheel_filename(self.wheel.name)[0]
        headers = f"include/site/python{minor}/{name}"
        modules = dict.fromkeys(_MODULES, self.scheme.packages)
        return {**modules, "scripts": "bin", "headers": headers, "data": ""}

    def text(self, name: str) -> str | None:
        """Return the file *name* of the ``.dist-info`` folder; None where it has none.

        Raises:
            InvalidWheel: it is no UTF-8.
        """
        member = self.members.get(f"{self.info}/{name}")
        if member is None:
            return None
        try:
            return read(self.file, member.span).decode()
        except UnicodeDecodeError as error:
            raise invalid(self.wheel, f"{member.name!r} is no UTF-8") from error


def place(wheel: Path, scheme: Scheme, direct_url: bytes | None = None) -> tuple[PlacedFile, ...]:
    """Return the files that *wheel* becomes, sorted by path.

    Args:
        wheel: the file.
        scheme: of the environment.
        direct_url: what ``direct_url.json`` says, for a package that came from no index (PEP 610).

    Raises:
        InvalidWheel: it is no wheel, or cannot be placed; says why.
    """
    members = {member.name: member for member in read_members(wheel)}
    with wheel.open("rb") as file:
        package = _Package(wheel, file, members, scheme, _info_folder(wheel, members))
        _check_version(package)
        files = _modules_and_data(package) | _scripts(package)
        if direct_url is not None:
            path = f"{scheme.packages}/{package.info}/direct_url.json"
            files[path] = PlacedFile(path, direct_url, is_executable=False)
        files |= _record(package, files)
    _check_folders(wheel, files)
    return tuple(files[path] for path in sorted(files))


def _info_folder(wheel: Path, members: Iterable[str]) -> str:
    name = parse_wheel_filename(wheel.name)[0]
    tops = {member.partition("/")[0] for member in members if "/" in member}
    found = [top for top in tops if top.endswith(".dist-info") and _package(top) == name]
    if len(found) != 1:
        raise invalid(wheel, f"it has {len(found)} '.dist-info' folders of the package {name!r}, not one")
    return found[0]


def _package(info: str) -> str:
    """Return the package of a ``.dist-info`` folder: all before the version, which has no hyphen."""
    return canonicalize_name(info.removesuffix(".dist-info").rpartition("-")[0])


def _check_version(package: _Package) -> None:
    text = package.text("WHEEL")
    version = HeaderParser().parsestr(text or "").get("Wheel-Version", "").strip()
    if not version.startswith(_WHEEL_VERSION):
        raise invalid(package.wheel, f"{package.info}/WHEEL tells of format {version!r}; 1.x is known")


def _modules_and_data(package: _Package) -> dict[str, PlacedFile]:
    """Return what the members of the wheel become, by path."""
    files: dict[str, PlacedFile] = {}
    for member in package.members.values():
        path = _path(package, member.name)
        if path in files:
            raise invalid(package.wheel, f"{member.name!r} would be a second {path!r}")
        is_script = path.startswith("bin/") and member.name.startswith(f"{package.data}/scripts/")
        content = _script(package, member) if is_script else member.span
        files[path] = PlacedFile(path, content, is_script or member.is_executable)
    return files


def _path(package: _Package, name: str) -> str:
    """Return where the member *name* belongs.

    Raises:
        InvalidWheel: it is for a folder that environments do not have.
    """
    if not name.startswith(f"{package.data}/"):
        return f"{package.scheme.packages}/{name}"
    kind, _, rest = name.removeprefix(f"{package.data}/").partition("/")
    folder = package.folders.get(kind)
    if folder is None or not rest or (kind == "scripts" and "/" in rest):
        raise invalid(package.wheel, f"{name!r} is for {kind!r}, which environments do not have")
    path = posixpath.join(folder, rest)
    # In an environment, lib64 is a link to lib; a folder of this name would take the link's place.
    return path.replace("lib64/", "lib/", 1) if path.startswith("lib64/") else path


def _script(package: _Package, member: Member) -> bytes | Span:
    """Return a script with this environment's interpreter; what asks for none stays in the wheel."""
    content = read(package.file, member.span) if member.span.size_bytes < _MAX_SCRIPT_BYTES else b""
    changed = rewritten(content, package.scheme.python)
    return member.span if changed == content else changed


_MAX_SCRIPT_BYTES = 16 << 20
"""What is larger is a compiled program."""


def _scripts(package: _Package) -> dict[str, PlacedFile]:
    """Return the scripts of the package's entry points."""
    try:
        found = generated(package.text("entry_points.txt") or "", package.scheme.python)
    except ValueError as error:
        raise invalid(package.wheel, f"{package.info}/entry_points.txt: {error}") from error
    return {
        f"bin/{name}": PlacedFile(f"bin/{name}", content, is_executable=True)
        for name, content in found.items()
    }


def _record(package: _Package, files: Mapping[str, PlacedFile]) -> dict[str, PlacedFile]:
    """Return ``RECORD`` anew where the wheel's own does not tell of all *files* as they are."""
    own = package.text("RECORD")
    if own is None:
        raise invalid(package.wheel, f"it has no {package.info}/RECORD")
    try:
        rows = dict(Record.parse(own).rows)
    except ValueError as error:
        raise invalid(package.wheel, f"{package.info}/RECORD: {error}") from error
    moved = {name: _relative(package, _path(package, name)) for name in package.members}
    rows = {moved.get(name, name): rows[name] for name in rows}
    paths = {_relative(package, path): placed for path, placed in files.items()}
    itself = f"{package.info}/RECORD"
    new = {
        path: row(_chunks(package, placed))
        for path, placed in paths.items()
        if path != itself and (path not in rows or isinstance(placed.content, bytes))
    }
    if not new and all(path == name for name, path in moved.items()):
        return {}
    path = f"{package.scheme.packages}/{itself}"
    content = Record(rows | new | {itself: ("", "")}).encode()
    return {path: PlacedFile(path, content, is_executable=False)}


def _relative(package: _Package, path: str) -> str:
    """Return *path* as ``RECORD`` writes it: from the folder of modules on."""
    start = f"{package.scheme.packages}/"
    return path.removeprefix(start) if path.startswith(start) else posixpath.relpath(path, start)


def _chunks(package: _Package, placed: PlacedFile) -> Iterable[bytes]:
    content = placed.content
    return [content] if isinstance(content, bytes) else inflate(package.file, content)


def _check_folders(wheel: Path, files: Mapping[str, PlacedFile]) -> None:
    """Refuse a file that is also a folder.

    Raises:
        InvalidWheel: there is one.
    """
    both = files.keys() & folders_of(files)
    if both:
        raise invalid(wheel, f"{min(both)!r} is a file and a folder")
