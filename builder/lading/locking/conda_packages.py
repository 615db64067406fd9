"""The conda packages of a ``pylock.toml``: ``[[tool.lading.conda]]``, one table for each.

PEP 751 keeps ``[tool]`` for what it does not know; other installers leave it alone.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lading.digest import Digest
from lading.environment import PythonMinor
from lading.errors import InvalidEnvironment
from lading.lock import CondaPackage

_TEXTS = ("name", "version", "build", "subdir")


def read(document: Mapping[str, Any], folder: Path | None) -> tuple[CondaPackage, ...]:
    """Return the conda packages that a lock names.

    Args:
        document: the lock's content.
        folder: the lock file's; packages that have no URL are beside it.

    Raises:
        InvalidEnvironment: one of the tables is not what :func:`table` makes.
    """
    try:
        return tuple(sorted(_package(table, folder) for table in _tables(document)))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InvalidEnvironment(f"not a valid table tool.lading.conda: {error!r}") from error


def python(document: Mapping[str, Any]) -> PythonMinor | None:
    """Return the Python that is among the conda packages of a lock; None where there are none."""
    tables = _tables(document)
    named = (table for table in tables if isinstance(table, dict) and table.get("name") == "python")
    return next((PythonMinor.parse(str(table.get("version"))) for table in named), None)


def table(package: CondaPackage) -> dict[str, object]:
    """Return the fields of *package* in a canonical lock; a file of this machine is known by its name."""
    place = {"path": package.file} if package.url.startswith("file:") else {"url": package.url}
    return {
        **{key: getattr(package, key) for key in _TEXTS},
        **place,
        "size": package.size_bytes,
        "hashes": {"sha256": package.digest.hex},
    }


def _tables(document: Mapping[str, Any]) -> list[Any]:
    tool = document.get("tool")
    lading = tool.get("lading") if isinstance(tool, dict) else None
    found = lading.get("conda") if isinstance(lading, dict) else None
    return found if isinstance(found, list) else []


def _package(table: Mapping[str, Any], folder: Path | None) -> CondaPackage:
    name, version, build, subdir = (str(table[key]) for key in _TEXTS)
    return CondaPackage(
        name=name,
        version=version,
        build=build,
        subdir=subdir,
        url=_url(table, folder),
        digest=Digest.parse(f"sha256:{table['hashes']['sha256']}"),
        size_bytes=table.get("size"),
    )


def _url(table: Mapping[str, Any], folder: Path | None) -> str:
    if "url" in table:
        return str(table["url"])
    name = Path(str(table["path"])).name
    return (folder / str(table["path"])).absolute().as_uri() if folder else f"file:{name}"
