"""The entries of a layout's ``index.json``: which name stands for which image."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from lading.errors import BuildFailed
from lading.oci import document, media_types, names
from lading.oci.descriptor import Descriptor
from lading.reference import ImageRef


def entries_of(descriptor: Descriptor, refs: Sequence[ImageRef]) -> tuple[Descriptor, ...]:
    """Return one entry for each of *refs*; one without a name where there are none."""
    return tuple(descriptor.annotated(names.annotations(ref)) for ref in refs) or (descriptor,)


def merge(old: Iterable[Descriptor], new: Iterable[Descriptor]) -> tuple[Descriptor, ...]:
    """Return *old* with *new* in it; an image of the same name is replaced where it stands.

    A tag names one entry, because Podman, skopeo and umoci look for nothing else: an image of another
    name gives it up, and keeps its whole name for containerd.
    """
    merged = list(old)
    for entry in new:
        position = next((at for at, other in enumerate(merged) if _is_same(other, entry)), len(merged))
        merged[position : position + 1] = [entry]
        others = (_without_tag(other, entry) for other in merged if other != entry)
        kept = [other for other in others if other is not None and not _is_same(other, entry)]
        merged = [*kept[:position], entry, *kept[position:]]
    return tuple(merged)


def find(entries: Iterable[Descriptor], wanted: str | None) -> tuple[Descriptor, ...]:
    """Return the entries that *wanted*, a tag or a whole name, stands for; more than one differ in platform.

    Args:
        entries: of a layout.
        wanted: None where the layout has only one image.

    Raises:
        BuildFailed: there is no such name, or there are several images and none is wanted.
    """
    every = tuple(entries)
    known = sorted({name for entry in every for name in _names(entry)})
    if wanted is not None:
        found = tuple(entry for entry in every if wanted in _names(entry))
        if not found:
            raise BuildFailed(f"it has no image {wanted!r}", hint=f"it has: {', '.join(known) or 'none'}")
        return found
    if len({_identity(entry) for entry in every}) > 1:
        raise BuildFailed("it has several images", hint=f"name one of these: {', '.join(known)}")
    if not every:
        raise BuildFailed("it has no image")
    return every


def encode_index(entries: Iterable[Descriptor], members: Mapping[str, Any] | None = None) -> bytes:
    """Return an ``index.json`` of *entries*; other members that it has already are kept."""
    listed = [entry.document() for entry in entries]
    begun = {"schemaVersion": 2, "mediaType": media_types.INDEX}
    return document.encode({**begun, **(members or {}), "manifests": listed})


def _names(entry: Descriptor) -> tuple[str, ...]:
    """Return the names of an entry, the tag first."""
    found = (entry.annotations.get(key) for key in (names.TAG, names.FULL_NAME))
    return tuple(name for name in found if name)


def _identity(entry: Descriptor) -> str:
    """Return what tells an image from others; those of several platforms have the same."""
    return next(reversed(_names(entry)), "") if _names(entry) else ""


def _is_same(old: Descriptor, new: Descriptor) -> bool:
    """Whether *new* takes the place of *old*."""
    old_name, new_name = (each.annotations.get(names.FULL_NAME) for each in (old, new))
    if old_name is None and new_name is None:
        return old.digest == new.digest and not _names(old)
    return old_name == new_name


def _without_tag(old: Descriptor, new: Descriptor) -> Descriptor | None:
    """Return *old* without a tag that *new* has; None where it had no other name."""
    tag = new.annotations.get(names.TAG)
    if tag is None or old.annotations.get(names.TAG) != tag:
        return old
    rest = {key: text for key, text in old.annotations.items() if key != names.TAG}
    return replace(old, annotations=rest) if names.FULL_NAME in rest else None
