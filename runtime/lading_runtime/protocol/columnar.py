"""Parquet and Arrow bodies: they cross to the model's side as they are, which reads and enforces them."""

from __future__ import annotations

from lading_runtime.errors import MalformedBody
from lading_runtime.payload import Buffers, Node
from lading_runtime.protocol.media_types import MediaType
from lading_runtime.schema.description import describe_fields
from lading_runtime.schema.signature import Signature

FORMATS = {
    MediaType.PARQUET: "parquet",
    MediaType.ARROW_STREAM: "Arrow stream",
    MediaType.ARROW_FILE: "Arrow file",
}

MAGIC = {MediaType.PARQUET: b"PAR1", MediaType.ARROW_FILE: b"ARROW1"}
"""With what a file of the format begins and ends; a stream has no such thing."""


def decode_columnar(body: bytes, media_type: MediaType, signature: Signature, buffers: Buffers) -> Node:
    """Return a node of *body*, with the fields that its data frame must have.

    Raises:
        MalformedBody: it is plainly not in its format.
    """
    name, magic = FORMATS[media_type], MAGIC.get(media_type, b"")
    is_framed = len(body) > 2 * len(magic) and body.startswith(magic) and body.endswith(magic)
    if not is_framed:
        raise MalformedBody(f"the body is no {name}")
    fields = describe_fields(signature)
    return {"kind": "columnar", "format": name, "buffer": buffers.add(body), "fields": fields}
