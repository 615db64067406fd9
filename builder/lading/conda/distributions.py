"""The Python distributions that conda packages bring: for pip they are installed already."""

import csv
import shutil
from collections.abc import Iterator
from contextlib import suppress
from email.message import Message
from email.parser import BytesParser
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from lading.environment import InstalledPackage


def distributions(prefix: Path) -> tuple[InstalledPackage, ...]:
    """Return the distributions in *prefix*, by name; what follows no standard, pip does not see either."""
    found = {package.name: package for folder in _folders(prefix) for package in _package(_metadata(folder))}
    return tuple(found[name] for name in sorted(found))


def _package(metadata: Message) -> Iterator[InstalledPackage]:
    with suppress(InvalidVersion):
        version = str(Version(metadata["Version"] or ""))
        requires = tuple(filter(_is_requirement, metadata.get_all("Requires-Dist") or ()))
        yield InstalledPackage(canonicalize_name(metadata["Name"] or ""), version, requires)


def _is_requirement(text: str) -> bool:
    try:
        Requirement(text)
    except InvalidRequirement:
        return False
    return True


def remove(prefix: Path, names: frozenset[str]) -> None:
    """Remove the distributions of *names*, file by file, as pip does before it installs another version."""
    for folder in list(_folders(prefix)):
        if canonicalize_name(_metadata(folder)["Name"] or "") in names:
            for file in _recorded(prefix, folder):
                file.unlink(missing_ok=True)
            shutil.rmtree(folder, ignore_errors=True)


def _folders(prefix: Path) -> Iterator[Path]:
    for pattern in ("*.dist-info/METADATA", "*.egg-info/PKG-INFO"):
        yield from (file.parent for file in sorted(prefix.glob(f"lib/python3*/site-packages/{pattern}")))


def _metadata(folder: Path) -> Message:
    name = "METADATA" if folder.suffix == ".dist-info" else "PKG-INFO"
    return BytesParser().parsebytes((folder / name).read_bytes(), headersonly=True)


def _recorded(prefix: Path, folder: Path) -> Iterator[Path]:
    """Yield the files that the distribution of *folder* owns, never one outside of *prefix*."""
    record = folder / "RECORD"
    if not record.is_file():
        return
    with record.open(newline="", encoding="utf-8") as lines:
        for row in csv.reader(lines):
            path = (folder.parent / row[0]).resolve() if row else prefix
            if path.is_relative_to(prefix.resolve()) and path.is_file():
                yield path
