"""What a command would change in an image, or has changed: for people or as JSON."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from lading.oci.contents import images
from lading.oci.image import Image, Index, Layer


def changes_json(old: Image | Index, new: Image | Index) -> str:
    """Return what is different in *new*, for each platform, as JSON."""
    found = [_changes(*pair) for pair in zip(images(old), images(new), strict=True)]
    digests = {"old": str(old.descriptor.digest), "new": str(new.descriptor.digest)}
    return json.dumps({**digests, "images": found}, indent=2, ensure_ascii=False)


def changes_text(old: Image | Index, new: Image | Index) -> str:
    """Return what is different in *new*, for each platform, as lines that a person reads."""
    lines = [f"{old.descriptor.digest} → {new.descriptor.digest}"]
    for pair in zip(images(old), images(new), strict=True):
        lines += _lines(_changes(*pair))
    return "\n".join(lines)


def _changes(old: Image, new: Image) -> dict[str, Any]:
    olds, news = ({layer.descriptor.digest for layer in each.layers} for each in (old, new))
    return {
        "platform": str(new.config.platform),
        "removed": [_layer(layer) for layer in old.layers if layer.descriptor.digest not in news],
        "added": [_layer(layer) for layer in new.layers if layer.descriptor.digest not in olds],
        "labels": _pairs(old.config.labels, new.config.labels),
        "env": _pairs(old.config.env, new.config.env),
    }


def _layer(layer: Layer) -> dict[str, Any]:
    return {
        "digest": str(layer.descriptor.digest),
        "size_bytes": layer.descriptor.size_bytes,
        "created_by": layer.created_by,
    }


def _pairs(old: Mapping[str, str], new: Mapping[str, str]) -> dict[str, list[str | None]]:
    names = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
    return {name: [old.get(name), new.get(name)] for name in names}


def _lines(found: Mapping[str, Any]) -> Iterator[str]:
    yield f"{found['platform']}:"
    for sign, kind in (("-", "removed"), ("+", "added")):
        for layer in found[kind]:
            yield f"  {sign} {layer['digest'][7:19]} {layer['size_bytes']} bytes, {layer['created_by']}"
    for name, (old, new) in {**found["env"], **found["labels"]}.items():
        yield f"    {name}: {old or 'none'} → {new or 'none'}"
