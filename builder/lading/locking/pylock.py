"""``pylock.toml`` (PEP 751, https://packaging.python.org/en/latest/specifications/pylock-toml/).

Files of any tool are read: markers are evaluated for the target and the best wheel is chosen by its
tags, as an installer would do. What is written is canonical: only the files that were chosen, sorted,
without dates, credentials or paths of a machine, so that the same files always give the same text and
the text's digest names the environment, whoever locked it.

Conda packages, which the specification does not know, are in tables of our own (`conda_packages`).

A file of this machine, a local wheel for example, is named by its file name and digest alone. Its
bytes are looked for in the store, and then beside the lock file.
"""

import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, assert_never
from urllib.parse import unquote, urlsplit

from packaging.pylock import (
    Package,
    PackageArchive,
    PackageDirectory,
    PackageSdist,
    PackageVcs,
    PackageWheel,
    Pylock,
    PylockSelectError,
    PylockUnsupportedVersionError,
    PylockValidationError,
)
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from lading.digest import Digest
from lading.environment import Platform, PythonMinor
from lading.errors import InvalidEnvironment, UnlockableEnvironment
from lading.lock import CondaPackage, Lock, LockedPackage, SourceArchive, WheelSource
from lading.locking import conda_packages
from lading.locking.target import Target
from lading.uv_process import public_url

_Source = PackageVcs | PackageDirectory | PackageArchive | PackageWheel | PackageSdist


def read(
    text: str,
    python: PythonMinor,
    platform: Platform,
    *,
    folder: Path | None = None,
    hashes: Mapping[str, frozenset[str]] | None = None,
) -> Lock:
    """Return what *text* says for *python* on *platform*.

    Args:
        text: of a ``pylock.toml`` by any tool.
        python: the target's, unless conda packages bring one.
        platform: the target's.
        folder: the lock file's; relative paths in it start there.
        hashes: SHA-256 digests (hexadecimal), by package; of those packages only such files are taken.

    Raises:
        InvalidEnvironment: *text* is no ``pylock.toml``.
        UnlockableEnvironment: it does not fit the target; says which package.
    """
    document = _only(_parse(text), hashes or {})
    python = conda_packages.python(document) or python
    target = Target(python, platform).admitted_by(_requires_python(document))
    try:
        selected = list(
            Pylock.from_dict(document).select(environment=target.marker_values(), tags=[*target.tags()])
        )
    except (PylockValidationError, PylockUnsupportedVersionError) as error:
        raise InvalidEnvironment(f"not a valid pylock.toml: {error}") from error
    except PylockSelectError as error:
        reason = str(error)[0].lower() + str(error)[1:]
        raise UnlockableEnvironment(
            f"the lock does not fit Python {python} on {platform}: {reason}", hint="lock the model again"
        ) from error
    packages = tuple(sorted(_locked(package, source, folder) for package, source in selected))
    conda = conda_packages.read(document, folder)
    return Lock(python, platform, packages, render(python, platform, packages, conda), conda)


def render(
    python: PythonMinor,
    platform: Platform,
    packages: Iterable[LockedPackage],
    conda: Iterable[CondaPackage] = (),
) -> str:
    """Return the canonical ``pylock.toml`` of *packages* and *conda*; :func:`read` gives them back."""
    head = {
        "lock-version": "1.0",
        "environments": [Target(python, platform).marker],
        "requires-python": f"=={python}.*",
        "created-by": "lading",
    }
    tables = [_lines(head), *(f"[[packages]]\n{_lines(_table(package))}" for package in sorted(packages))]
    if len(tables) == 1:
        tables[0] += "packages = []\n"
    below = (conda_packages.table(package) for package in sorted(conda))
    tables += (f"[[tool.lading.conda]]\n{_lines(table)}" for table in below)
    return "\n".join(tables)


def _parse(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidEnvironment(f"not a pylock.toml: {error}") from error


def _requires_python(document: Mapping[str, Any]) -> SpecifierSet:
    try:
        return SpecifierSet(document.get("requires-python", ""))
    except (InvalidSpecifier, TypeError, AttributeError):
        return SpecifierSet()  # Pylock.from_dict says what is wrong with it


def _only(document: dict[str, Any], hashes: Mapping[str, frozenset[str]]) -> dict[str, Any]:
    """Return *document* without the files that *hashes* forbid."""
    for package in document.get("packages", []) if hashes else []:
        allowed = hashes.get(package.get("name"))
        if allowed is None:
            continue
        wheels = [each for each in package.pop("wheels", []) if each["hashes"].get("sha256") in allowed]
        sdist = package.pop("sdist", None)
        if wheels:
            package["wheels"] = wheels
        if sdist and sdist["hashes"].get("sha256") in allowed:
            package["sdist"] = sdist
        archive = package.get("archive")
        is_forbidden = archive is not None and archive["hashes"].get("sha256") not in allowed
        if is_forbidden or not package.keys() & {"wheels", "sdist", "archive", "vcs"}:
            raise UnlockableEnvironment(
                f"no file of {package['name']} {package.get('version')} has a hash that the model asks for"
            )
    return document


def _locked(package: Package, source: _Source, folder: Path | None) -> LockedPackage:
    name, version = str(package.name), str(package.version) if package.version else None
    match source:
        case PackageWheel():
            url, file = _location(source.url, source.path, folder), source.filename
            return LockedPackage(name, version, WheelSource(file, url, _sha256(package, source), source.size))
        case PackageSdist():
            url = _location(source.url, source.path, folder)
            return LockedPackage(
                name, version, SourceArchive(f"{name}=={version}", url, _sha256(package, source))
            )
        case PackageArchive():
            return LockedPackage(name, version, _archive(package, source, folder))
        case PackageVcs():
            url = _vcs_url(package, source)
            return LockedPackage(name, version, SourceArchive(f"{name} @ {url}", url, None))
        case PackageDirectory():
            raise UnlockableEnvironment(
                f"{name} is a source folder of the machine that locked it", hint="build a wheel of it"
            )
        case _:
            assert_never(source)


def _archive(package: Package, source: PackageArchive, folder: Path | None) -> WheelSource | SourceArchive:
    url, digest = _location(source.url, source.path, folder), _sha256(package, source)
    file = _file_name(url)
    if file.endswith(".whl"):
        return WheelSource(file, url, digest, source.size)
    fragment = f"#subdirectory={source.subdirectory}" if source.subdirectory else ""
    return SourceArchive(f"{package.name} @ {url}{fragment}", f"{url}{fragment}", digest)


def _vcs_url(package: Package, source: PackageVcs) -> str:
    if source.type != "git" or source.url is None:
        raise UnlockableEnvironment(
            f"{package.name} comes from {source.type}, not from git", hint="build a wheel of it"
        )
    fragment = f"#subdirectory={source.subdirectory}" if source.subdirectory else ""
    return public_url(f"git+{source.url}@{source.commit_id}{fragment}")


def _location(url: str | None, path: str | None, folder: Path | None) -> str:
    """Return a URL; a file that is only known by its name gets one without a folder: ``file:<name>``."""
    if url is not None:
        return public_url(url)
    relative = str(path)
    if folder is not None:
        return (folder / relative).absolute().as_uri()
    return f"file:{Path(relative).name}"


def _sha256(package: Package, source: PackageWheel | PackageSdist | PackageArchive) -> Digest:
    try:
        return Digest.parse(f"sha256:{source.hashes['sha256'].lower()}")
    except (KeyError, ValueError) as error:
        raise UnlockableEnvironment(
            f"the lock has no SHA-256 digest for {package.name}", hint="lock with SHA-256 hashes"
        ) from error


def _table(package: LockedPackage) -> dict[str, object]:
    """Return the fields of *package* in a canonical lock."""
    table: dict[str, object] = {"name": canonicalize_name(package.name)}
    if package.version is not None:
        table["version"] = package.version
    source = package.source
    if isinstance(source, WheelSource):
        wheel = {
            "name": source.name,
            **_place(source.url),
            "size": source.size_bytes,
            **_hashes(source.digest),
        }
        return table | {"wheels": [wheel]}
    if source.digest is None:
        return table | {"vcs": _vcs(source.url)}
    address, _, subdirectory = source.url.partition("#subdirectory=")
    place = {**_place(address), **_hashes(source.digest)}
    if " @ " in source.requirement:
        return table | {"archive": {**place, "subdirectory": subdirectory or None}}
    return table | {"sdist": {"name": _file_name(address), **place}}


def _hashes(digest: Digest) -> dict[str, object]:
    return {"hashes": {"sha256": digest.hex}}


def _vcs(url: str) -> dict[str, object]:
    address, _, subdirectory = url.removeprefix("git+").partition("#subdirectory=")
    repository, _, commit = address.rpartition("@")
    return {"type": "git", "url": repository, "commit-id": commit, "subdirectory": subdirectory or None}


def _place(url: str) -> dict[str, str]:
    if urlsplit(url).scheme == "file":
        return {"path": _file_name(url)}  # whose folder it is in, nobody else can use
    return {"url": public_url(url)}


def _file_name(url: str) -> str:
    return unquote(urlsplit(url).path.rpartition("/")[2])


def _lines(table: Mapping[str, object]) -> str:
    return "".join(f"{key} = {_toml(value)}\n" for key, value in table.items() if value is not None)


def _toml(value: object) -> str:
    match value:
        case dict():
            return f"{{ {', '.join(_pairs(value))} }}"
        case list():
            return f"[{', '.join(map(_toml, value))}]"
        case int():
            return str(value)
        case _:
            # a TOML basic string is a JSON string, but for DEL and escaped surrogates
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _pairs(table: Mapping[str, object]) -> Iterator[str]:
    return (f"{key} = {_toml(value)}" for key, value in table.items() if value is not None)
