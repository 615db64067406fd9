"""``direct_url.json``: where a package came from that came from no index (PEP 610).

https://packaging.python.org/en/latest/specifications/direct-url-data-structure/
"""

from typing import Any

from lading.digest import Digest
from lading.lock import LockedPackage, SourceArchive
from lading.oci import document


def direct_url(package: LockedPackage) -> bytes | None:
    """Return what the file says of *package*; None for one that an index has."""
    source = package.source
    if not isinstance(source, SourceArchive) or " @ " not in source.requirement:
        return None
    address, _, subdirectory = source.url.partition("#subdirectory=")
    members = _checkout(address) if source.digest is None else _archive(address, source.digest)
    return document.encode(members | ({"subdirectory": subdirectory} if subdirectory else {}))


def _archive(address: str, digest: Digest) -> dict[str, Any]:
    return {"url": address, "archive_info": {"hashes": {"sha256": digest.hex}}}


def _checkout(address: str) -> dict[str, Any]:
    repository, _, commit = address.removeprefix("git+").rpartition("@")
    return {"url": repository, "vcs_info": {"vcs": "git", "commit_id": commit}}
