"""JSON documents whose digest names them: the same value is always the same bytes."""

import json
from collections.abc import Mapping
from typing import Any

from lading.errors import InvalidImage


def encode(document: Mapping[str, Any]) -> bytes:
    """Return *document* as JSON: sorted keys, no spaces, UTF-8."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def decode(data: bytes, what: str) -> dict[str, Any]:
    """Return the JSON object in *data*.

    Args:
        data: the bytes.
        what: names them in errors.

    Raises:
        InvalidImage: they are no JSON object.
    """
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InvalidImage(f"{what} is no JSON") from error
    if not isinstance(document, dict):
        raise InvalidImage(f"{what} is no JSON object")
    return document
