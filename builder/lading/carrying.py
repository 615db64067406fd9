"""A store in one file, for machines that reach no package index: written on one, read on the other.

    blobs/sha256/<aa>/<hex>      as in the store
    entries/<kind>/<aa>/<hex>    as in the store

Who imports a file trusts its writer: entries say which lock belongs to which model. Each blob and entry
is checked before it is in the store, where those before a damaged one stay; nothing in the file can end
up outside of it.
"""

import hashlib
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from lading.digest import Digest
from lading.errors import StoreError
from lading.oci.tar import END, TarEntry, padding
from lading.store import Store, store_errors

_CHUNK_BYTES = 1 << 20
_BLOB = re.compile(r"blobs/sha256/([0-9a-f]{2})/(\1[0-9a-f]{62})")
_ENTRY = re.compile(r"entries/[a-z0-9-]+/([0-9a-f]{2})/\1[0-9a-f]{62}")
_MAX_ENTRY_BYTES = 64 << 20


def export(store: Store, target: Path) -> int:
    """Write everything that *store* holds to *target*; return how many files that were.

    The same store gives the same bytes. *target* is replaced when it is complete.

    Raises:
        StoreError: something cannot be read or written.
    """
    names = sorted(_carried(store.root))
    unfinished = target.with_name(f".{target.name}.unfinished")
    try:
        with store_errors("write", target), unfinished.open("wb") as file:
            for name in names:
                _write(file, name, store.root / name)
            file.write(END)
        with store_errors("write", target):
            unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
    return len(names)


def import_(store: Store, source: Path) -> int:
    """Add what the file *source* carries to *store*; return how many files were new.

    Raises:
        StoreError: it is no such file, it is damaged, or the store cannot be written.
    """
    try:
        with store_errors("read", source), tarfile.open(source, "r:") as archive:
            return sum(_read(store, archive, member) for member in archive)
    except tarfile.TarError as error:
        raise StoreError(
            f"{str(source)!r} is no exported store: {error}", hint="write one with lading cache export"
        ) from error


def _carried(root: Path) -> Iterator[str]:
    for part in ("blobs", "entries"):
        for path in (root / part).rglob("*"):
            name = path.relative_to(root).as_posix()
            if path.is_file() and (_BLOB.fullmatch(name) or _ENTRY.fullmatch(name)):
                yield name


def _write(file: IO[bytes], name: str, path: Path) -> None:
    with path.open("rb") as source:
        size_bytes = path.stat().st_size
        file.write(TarEntry(name, size_bytes=size_bytes, mode=0o444).header())
        written = 0
        while chunk := source.read(_CHUNK_BYTES):
            written += len(chunk)
            file.write(chunk)
        if written != size_bytes:
            raise StoreError(f"{str(path)!r} was changed while it was read", hint="run lading cache verify")
        file.write(padding(size_bytes))


def _read(store: Store, archive: tarfile.TarFile, member: tarfile.TarInfo) -> bool:
    """Add one file; return whether it was new."""
    content = archive.extractfile(member) if member.isreg() else None
    blob, entry = _BLOB.fullmatch(member.name), _ENTRY.fullmatch(member.name)
    if content is None or not (blob or entry):
        raise StoreError(
            f"{str(archive.name)!r} has {member.name!r}, which belongs into no store",
            hint="write one with lading cache export",
        )
    if (store.root / member.name).exists():
        return False
    if blob:
        store.add(iter(lambda: content.read(_CHUNK_BYTES), b""), Digest(blob[2]))
    else:
        _add_entry(store, member, content)
    return True


def _add_entry(store: Store, member: tarfile.TarInfo, content: IO[bytes]) -> None:
    checksum, _, value = content.read(_MAX_ENTRY_BYTES).partition(b"\n")
    if checksum != f"sha256:{hashlib.sha256(value).hexdigest()}".encode():
        raise StoreError(f"{member.name!r} of the exported store is damaged", hint="copy the file again")
    store.restore_entry(member.name, value)
