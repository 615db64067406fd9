"""What the builder carries into images: the runtime's wheel, its lock, and the templates.

In an installed wheel they are under ``lading/_baked``, where ``ci/hatch_build.py`` puts them. In a
checkout they are its own files, and the runtime's wheel is built anew whenever its sources change.
Nothing of Lading has to be published for either.
"""

import hashlib
import json
import sys
import tempfile
from pathlib import Path

from lading.digest import Digest
from lading.errors import BuildFailed
from lading.store import Store
from lading.uv_process import Uv, UvFailed

_HERE = Path(__file__).parent
_BAKED = _HERE / "_baked"
_CHECKOUT = _HERE.parents[1]
_IS_BAKED = _BAKED.is_dir()

_EPOCH = "1580601600"
"""The time of all files in a wheel that is built here: the one that hatchling takes where none is given."""


def templates() -> Path:
    """Return the folder of the templates."""
    return (_BAKED if _IS_BAKED else _CHECKOUT) / "templates"


def runtime_lock() -> str:
    """Return the ``pylock.toml`` of the server's environment, for all Pythons and platforms."""
    return (
        (_BAKED if _IS_BAKED else _CHECKOUT / "runtime").joinpath("pylock.toml").read_text(encoding="utf-8")
    )


def runtime_wheel(store: Store) -> Path:
    """Return the runtime's wheel, built from the checkout's sources where none is baked in.

    Raises:
        BuildFailed: the checkout's runtime cannot be built.
        StoreError: the store cannot be written.
    """
    if _IS_BAKED:
        (wheel,) = _BAKED.glob("*.whl")
        return wheel
    key = _digest_of_sources(_CHECKOUT / "runtime")
    with store.exclusive(f"runtime-{key}"):
        return _kept(store, key) or _build(store, key)


def _kept(store: Store, key: str) -> Path | None:
    value = store.read_entry("runtime", key)
    if value is None:
        return None
    name, hexadecimal = json.loads(value)
    digest = Digest(hexadecimal)
    return store.named(digest, name) if store.find(digest) else None


def _build(store: Store, key: str) -> Path:
    with tempfile.TemporaryDirectory(prefix="lading-") as folder:
        arguments = ("--wheel", f"--python={sys.executable}", f"--out-dir={folder}", _CHECKOUT / "runtime")
        try:
            Uv().run("build", *arguments, variables={"SOURCE_DATE_EPOCH": _EPOCH})
        except UvFailed as error:
            raise BuildFailed(
                "the runtime's wheel cannot be built from the checkout",
                hint="hatchling must be reachable in the package index, or in uv's cache",
            ) from error
        (wheel,) = Path(folder).glob("*.whl")
        digest = store.add_file(wheel)
        store.write_entry("runtime", key, json.dumps([wheel.name, digest.hex]).encode())
    return store.named(digest, wheel.name)


def _digest_of_sources(folder: Path) -> str:
    sources = sorted(
        file for file in (folder / "lading_runtime").rglob("*") if file.suffix in {".py", ".typed"}
    )
    sha256 = hashlib.sha256()
    for file in (folder / "pyproject.toml", *sources):
        content = file.read_bytes()
        sha256.update(f"{file.relative_to(folder).as_posix()} {len(content)}\n".encode() + content)
    return sha256.hexdigest()
