"""What ``docker save`` writes, in all its ages: ``manifest.json`` names a configuration and layers.

Up to Docker 24 a layer is ``<id>/layer.tar``, sometimes a link to another one's; Podman writes
``<diff id>.tar``; since Docker 25 layers are blobs of an OCI layout beside it. They are compressed or
not, and nothing but their first bytes says so.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lading.digest import Digest
from lading.environment import Platform
from lading.errors import BuildFailed, InvalidImage, InvalidReference
from lading.oci import media_types
from lading.oci.blob import Blob
from lading.oci.config import Config
from lading.oci.descriptor import Descriptor
from lading.oci.image import Image, Layer
from lading.oci.manifest import MAX_BYTES, created_by_of
from lading.oci.names import canonical
from lading.oci.reading import require_platform
from lading.reference import ImageRef

_BLOBS = "blobs/sha256/"
_KINDS = {b"\x1f\x8b": media_types.TAR_GZIP, b"\x28\xb5\x2f\xfd": media_types.TAR_ZSTD}
"""By the first bytes (RFC 1952, section 2.3.1; RFC 8878, section 3.1.1)."""


@dataclass(frozen=True, slots=True)
class Member:
    """A file of an archive."""

    blob: Blob
    size_bytes: int


def read_docker_archive(members: Mapping[str, Member], wanted: str | None, platform: Platform) -> Image:
    """Return the image called *wanted*.

    Args:
        members: the archive's files, by path.
        wanted: a name as in ``docker images``; None for the only image.
        platform: what it must run on.

    Raises:
        BuildFailed: there is none of this name, or it is for another platform.
        InvalidImage: the archive is damaged.
    """
    entry = _choose(_entries(_small(members, "manifest.json")), wanted)
    try:
        config_path, paths = str(entry["Config"]), [str(path) for path in entry["Layers"]]
    except (KeyError, TypeError) as error:
        raise InvalidImage(f"its manifest.json lacks {error}") from error
    config = Config.parse(_small(members, config_path))
    if len(paths) != len(config.diff_ids):
        raise InvalidImage(f"it has {len(paths)} layers, its configuration {len(config.diff_ids)}")
    layers = tuple(
        _layer(path, _member(members, path), diff_id, created_by)
        for path, diff_id, created_by in zip(paths, config.diff_ids, created_by_of(config), strict=True)
    )
    image = Image(config, layers)
    require_platform(image, platform)
    return image


def _layer(path: str, member: Member, diff_id: Digest, created_by: str) -> Layer:
    kind = media_types.TAR if path == f"{_BLOBS}{diff_id.hex}" else _kind(member)
    descriptor = Descriptor(kind, _digest(path, member, kind, diff_id), member.size_bytes)
    return Layer(descriptor, diff_id, member.blob, created_by)


def _kind(member: Member) -> str:
    start = next(iter(member.blob.chunks()), b"")
    return next((kind for magic, kind in _KINDS.items() if start.startswith(magic)), media_types.TAR)


def _digest(path: str, member: Member, kind: str, diff_id: Digest) -> Digest:
    """Return the digest of a layer's file; it is read only where nothing tells it."""
    if kind == media_types.TAR:
        return diff_id
    if path.startswith(_BLOBS):
        return _parse(path.removeprefix(_BLOBS))
    sha256 = hashlib.sha256()
    for chunk in member.blob.chunks():
        sha256.update(chunk)
    return Digest(sha256.hexdigest())


def _parse(hexadecimal: str) -> Digest:
    try:
        return Digest.parse(f"sha256:{hexadecimal}")
    except ValueError as error:
        raise InvalidImage(f"its manifest.json names a blob {hexadecimal!r}") from error


def _entries(manifest: bytes) -> Sequence[Mapping[str, Any]]:
    try:
        entries = json.loads(manifest)
    except (ValueError, RecursionError) as error:
        raise InvalidImage("its manifest.json is no JSON") from error
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise InvalidImage("its manifest.json is no list of images")
    return entries


def _choose(entries: Sequence[Mapping[str, Any]], wanted: str | None) -> Mapping[str, Any]:
    known = sorted(name for entry in entries for name in _names(entry))
    found = [entry for entry in entries if wanted is None or _whole(wanted) in map(_whole, _names(entry))]
    if not found:
        what = "no image" if wanted is None else f"no image {wanted!r}"
        raise BuildFailed(f"it has {what}", hint=f"it has: {', '.join(known) or 'none with a name'}")
    if len(found) > 1:
        raise BuildFailed("it has several images", hint=f"name one of these: {', '.join(known)}")
    return found[0]


def _names(entry: Mapping[str, Any]) -> tuple[str, ...]:
    names = entry.get("RepoTags")
    return tuple(map(str, names)) if isinstance(names, list) else ()


def _whole(name: str) -> str:
    """Return a name by which it can be compared: archives write it with or without the default host."""
    try:
        return canonical(ImageRef.parse(name))
    except InvalidReference:
        return name


def _small(members: Mapping[str, Member], path: str) -> bytes:
    member = _member(members, path)
    if member.size_bytes > MAX_BYTES:
        raise InvalidImage(f"its file {path!r} is too large")
    return b"".join(member.blob.chunks())


def _member(members: Mapping[str, Member], path: str) -> Member:
    try:
        return members[path]
    except KeyError as error:
        raise InvalidImage(f"it lacks its file {path!r}", hint="save the image anew") from error
