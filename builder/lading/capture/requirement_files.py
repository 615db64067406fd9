"""``requirements.txt``: what pip would install, read line by line and file by file.

Only files inside the model folder are read, because nothing else reaches the machine that builds.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from lading.capture.lines import Line, decoded, logical_lines
from lading.capture.options import Options, parse_options
from lading.environment import LocalWheel
from lading.errors import InvalidEnvironment

_VCS = re.compile(r"(git|hg|svn|bzr)\+[a-z+]+:", re.IGNORECASE)
_URL = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_ARCHIVE = re.compile(r"\.(whl|zip|tar\.gz|tgz|tar\.bz2|tbz|tar\.xz|txz|tar)(\[|$)", re.IGNORECASE)
_HASH = re.compile(r"\s+--hash(?:=|\s+)([a-z0-9]+:[0-9a-f]+)", re.IGNORECASE)
_OPTION = re.compile(r"\s--?[a-z]", re.IGNORECASE)
_EXTRAS = re.compile(r"(?P<path>.+?)(?P<extras>\[[^\]]*\])?$")
_DIRECT = re.compile(r"[A-Za-z0-9._-]+\s*(?P<extras>\[[^\]]*\])?\s*@\s*(?P<url>\S+)$")


@dataclass(frozen=True, slots=True)
class Required:
    """A package that is asked for."""

    text: str


@dataclass(frozen=True, slots=True)
class Constrained:
    """A bound on a package that is not asked for here."""

    text: str


Entry = Required | Constrained | LocalWheel | Options


@dataclass(frozen=True, slots=True)
class RequirementFiles:
    """The requirement files of one model folder."""

    folder: Path

    variables: Mapping[str, str]
    """For ``${NAME}`` in lines."""

    def read(self, name: str) -> Iterator[Entry]:
        """Yield what the file *name* and those that it includes ask for, in order.

        Raises:
            InvalidEnvironment: a line cannot be used; names file and line.
        """
        return self._read(self._inside(name, name), ())

    def read_lines(self, text: str, file: str) -> Iterator[Entry]:
        """Yield what lines that stand in *file* ask for, such as those of ``conda.yaml``."""
        lines = logical_lines(text, f"{file}, requirement", self.variables)
        return self._entries(lines, (self.folder / file,))

    def _read(
        self, path: Path, included_by: tuple[Path, ...], *, is_constraint: bool = False
    ) -> Iterator[Entry]:
        name = path.relative_to(self.folder).as_posix()
        lines = logical_lines(decoded(path), f"{name}, line", self.variables)
        return self._entries(lines, (*included_by, path), is_constraint=is_constraint)

    def _entries(
        self, lines: Iterator[Line], files: tuple[Path, ...], *, is_constraint: bool = False
    ) -> Iterator[Entry]:
        for line in lines:
            if line.text.startswith("-"):
                yield from self._options(line, files)
            elif is_constraint:
                yield Constrained(_requirement(line))
            else:
                yield self._wheel(line) or Required(_requirement(line))

    def _options(self, line: Line, files: tuple[Path, ...]) -> Iterator[Entry]:
        options = parse_options(line)
        if options.editables:
            raise line.problem(
                "an editable install is no part of the model", hint="require a released version or a wheel"
            )
        for name in options.requirement_files:
            yield from self._read(self._included(name, line, files), files)
        for name in options.constraint_files:
            yield from self._read(self._included(name, line, files), files, is_constraint=True)
        yield replace(
            options, find_links=tuple(self._find_links(place, line, files) for place in options.find_links)
        )

    def _included(self, name: str, line: Line, files: tuple[Path, ...]) -> Path:
        """Return the file that *line* includes; names count from the including file, as in pip."""
        if _URL.match(name):
            raise line.problem("only files of the model folder can be included")
        path = self._inside(files[-1].parent / name, name, line)
        if path in files:
            raise line.problem("the file includes itself", hint="remove the line")
        return path

    def _inside(self, path: Path | str, name: str, line: Line | None = None) -> Path:
        """Return a file of the model folder, symbolic links followed."""
        where = f"{line.place}: " if line else ""
        found = (self.folder / path).resolve()
        if not found.is_relative_to(self.folder):
            raise InvalidEnvironment(f"{where}{name!r} is outside the model folder")
        if not found.is_file():
            raise InvalidEnvironment(f"{where}{name!r} does not exist in the model folder")
        return found

    def _find_links(self, place: str, line: Line, files: tuple[Path, ...]) -> str:
        """Return a page as it is, and a folder of the model folder with its absolute path."""
        if _URL.match(place):
            return place
        folder = (files[-1].parent / place).resolve()
        if not folder.is_relative_to(self.folder) or not folder.is_dir():
            raise line.problem("this is no folder of the model folder")
        return str(folder)

    def _wheel(self, line: Line) -> LocalWheel | None:
        """Return the wheel of the model folder that *line* names, or None if it names none.

        Paths count from the model folder: it is where MLflow runs pip.
        """
        reference, _, marker = _HASH.sub("", line.text).partition(";")
        found = _local_path(reference.strip(), line)
        if found is None:
            return None
        path, extras = found
        if not path.lower().endswith(".whl"):
            raise line.problem("only wheels of the model folder can be required by path")
        wheel = self._inside(path, path, line)
        try:
            name, version, _, _ = parse_wheel_filename(wheel.name)
        except InvalidWheelFilename as error:
            raise line.problem("the file's name is no wheel's name") from error
        wanted = f"{name}{extras}=={version}"
        return LocalWheel(wheel, f"{wanted}; {marker.strip()}" if marker.strip() else wanted)


def _local_path(reference: str, line: Line) -> tuple[str, str] | None:
    """Return the path and the extras that *reference* writes; None for names and other machines' URLs."""
    if match := _DIRECT.match(reference):
        target, extras = match["url"], match["extras"] or ""
    elif match := _EXTRAS.match(reference):
        target, extras = match["path"], match["extras"] or ""
    else:
        return None
    if target.startswith("file:"):
        return _path_of(target, line), extras
    is_path = "/" in target or target.startswith(".") or _ARCHIVE.search(target) is not None
    return (target, extras) if is_path and not _URL.match(target) else None


def _path_of(url: str, line: Line) -> str:
    path = unquote(urlsplit(url).path)
    if path.startswith("/"):
        raise line.problem(
            "it is a file of the machine that trained the model",
            hint="put the wheel into the model (code_paths) or require a released version",
        )
    return path


def _requirement(line: Line) -> str:
    """Return a line's requirement as one PEP 508 text, its hashes behind it."""
    text = _HASH.sub("", line.text).strip()
    if _OPTION.search(text):
        raise line.problem("this option is not known", hint="correct or remove the line")
    written = _named(text) if _URL.match(text) else text
    if not _URL.match(written):
        try:
            written = str(Requirement(written))
        except InvalidRequirement as error:
            raise line.problem("this is no requirement") from error
    return " ".join([written, *(f"--hash={value}" for value in _HASH.findall(line.text))])


def _named(text: str) -> str:
    """Return a direct reference for a bare URL where that tells its package's name, else the URL."""
    url, semicolon, marker = text.partition(" ;")
    address, _, fragment = url.strip().partition("#")
    fields = fragment.split("&") if fragment else []
    name = next((field.removeprefix("egg=") for field in fields if field.startswith("egg=")), None)
    if name is None and not _VCS.match(address):
        name = _wheel_name(address)
    if name is None:
        return text
    rest = "&".join(field for field in fields if not field.startswith("egg="))
    direct = f"{name} @ {address}" + (f"#{rest}" if rest else "")
    return f"{direct} ;{marker}" if semicolon else direct


def _wheel_name(url: str) -> str | None:
    try:
        return parse_wheel_filename(unquote(urlsplit(url).path).rpartition("/")[2])[0]
    except InvalidWheelFilename:
        return None
