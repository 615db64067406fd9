"""What a model takes, for those who enforce it on the model's side (`payload`: "columnar")."""

from __future__ import annotations

from lading_runtime.payload import Node
from lading_runtime.schema.datatypes import write_type
from lading_runtime.schema.signature import Signature
from lading_runtime.schema.tensors import TensorSchema
from lading_runtime.schema.unnamed_columns import UnnamedColumns


def describe_fields(signature: Signature) -> list[Node] | None:
    """Return the fields of *signature*, or None where the model takes whatever it is given."""
    inputs = signature.inputs
    if inputs is None or signature.is_from_type_hint:
        return None
    if isinstance(inputs, TensorSchema):
        return [
            {"name": tensor.name, "dtype": tensor.dtype, "shape": list(tensor.shape)}
            for tensor in inputs.tensors
        ]
    has_names = not isinstance(inputs, UnnamedColumns)
    return [
        {"name": field.name if has_names else None, "required": field.is_required, **write_type(field.type)}
        for field in inputs.fields
    ]
