"""A prefix as it goes into an image: the same bytes whoever laid it out, where, and when.

What rattler notes about the machine that it worked on is taken out of ``conda-meta``; what remains there is
what scanners and conda itself read: names, versions, files.
"""

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from lading.conda.distributions import remove
from lading.errors import BuildFailed
from lading.lock import CondaPackage

_OF_THE_MACHINE = (
    "extracted_package_dir",
    "package_tarball_full_path",
    "link",
    "indexed_timestamp",
    "requested_spec",
    "requested_specs",
    "url",
    "channel",
)
_FIRST_WITH_FLAGS = 3390
"""The magic number of the first Python 3.7 whose bytecode can do without times."""

_UNCHECKED_HASH = bytes([1, 0, 0, 0, *bytes(8)])
_MARK = "CACHEDIR.TAG"
"""Tells programs that make backups to leave a folder out."""


def normalise(prefix: Path, packages: Iterable[CondaPackage], target: str, replaced: frozenset[str]) -> None:
    """Make *prefix* the same on all machines.

    Args:
        prefix: where it is, just laid out.
        packages: that are in it.
        target: where it will be.
        replaced: Python distributions to be taken out, as wheels of them will be put in.

    Raises:
        BuildFailed: a link leads out of the prefix.
    """
    (prefix / _MARK).unlink(missing_ok=True)
    remove(prefix, replaced)
    by_file = {package.file: package for package in packages}
    folders = [Path(folder) for folder, _, _ in os.walk(prefix)]
    for folder in folders:
        folder.chmod(0o755)
        for path in list(folder.iterdir()):
            _normalise_entry(prefix, path, target)
    for path in sorted((prefix / "conda-meta").glob("*.json")):
        path.write_text(_record(prefix, json.loads(path.read_bytes()), by_file), encoding="utf-8")


def _normalise_entry(prefix: Path, path: Path, target: str) -> None:
    if path.is_symlink():
        _normalise_link(prefix, path, target)
    elif path.suffix == ".pyc" and path.parent.name == "__pycache__":
        _normalise_bytecode(path)
    elif path.is_file():
        path.chmod(0o755 if path.stat().st_mode & 0o111 else 0o644)


def _normalise_bytecode(path: Path) -> None:
    """Free bytecode from the time of its source, which no image keeps (PEP 552); what is older goes."""
    content = path.read_bytes()
    if int.from_bytes(content[:2], "little") < _FIRST_WITH_FLAGS:
        path.unlink()
        return
    path.write_bytes(content[:4] + _UNCHECKED_HASH + content[16:])
    path.chmod(0o644)


def _normalise_link(prefix: Path, link: Path, target: str) -> None:
    """Make a link relative; one that leads to nothing inside the prefix is of no use, and goes."""
    goal = link.readlink()
    if goal.is_relative_to(target):
        link.unlink()
        link.symlink_to(os.path.relpath(prefix / goal.relative_to(target), link.parent))
    leads_to = Path(os.path.realpath(link))
    if not leads_to.is_relative_to(os.path.realpath(prefix)):
        raise BuildFailed(
            f"a conda package has a link out of its prefix: {link.relative_to(prefix).as_posix()!r}",
            hint="use another build of the package",
        )
    if not leads_to.exists():
        link.unlink()


def _record(prefix: Path, record: dict[str, Any], packages: Mapping[str, CondaPackage]) -> str:
    """Return what conda knows of an installed package, as it is after :func:`normalise`."""
    kept = {key: value for key, value in record.items() if key not in _OF_THE_MACHINE}
    package = packages[record["fn"]]
    kept["files"] = [name for name in record["files"] if os.path.lexists(prefix / name)]
    kept["paths_data"]["paths"] = [
        entry for entry in record["paths_data"]["paths"] if os.path.lexists(prefix / entry["_path"])
    ]
    if not package.url.startswith("file:"):
        kept |= {"url": package.url, "channel": package.url.rpartition(f"/{package.subdir}/")[0]}
    return json.dumps(kept, indent=2, sort_keys=True) + "\n"
