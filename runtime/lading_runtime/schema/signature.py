"""A model's signature: read from MLmodel once, then asked at each request."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Union

from lading_runtime.schema.datatypes import BrokenSignature, Column, Tensor, read_column, read_tensor
from lading_runtime.schema.named_columns import NamedColumns
from lading_runtime.schema.params import ParamSchema, read_params
from lading_runtime.schema.reading import compile_fields
from lading_runtime.schema.tensors import TensorSchema
from lading_runtime.schema.unnamed_columns import UnnamedColumns

Inputs = Union[NamedColumns, UnnamedColumns, TensorSchema]


@dataclass(frozen=True)
class Signature:
    """What a model takes and gives."""

    inputs: Inputs | None = None
    """None where only parameters or outputs are declared."""

    outputs: tuple[Column | Tensor, ...] = ()
    params: ParamSchema | None = None

    is_from_type_hint: bool = False
    """Whether the model itself checks its input, by the type hint that the signature was made of."""

    @cached_property
    def keeps_values(self) -> bool:
        """Whether a request's values may reach the model as they are, and so must be read exactly."""
        if self.is_from_type_hint or self.inputs is None or self.params is not None:
            return True
        return self.inputs.keeps_values


def read_signature(mlmodel: Mapping[str, Any]) -> Signature | None:
    """Return the signature in an MLmodel file, or None if it has none.

    Raises:
        BrokenSignature: it has one that MLflow would not have written.
    """
    written = mlmodel.get("signature")
    if written is None:
        return None
    if not isinstance(written, dict):
        raise BrokenSignature("a signature that is no mapping")
    inputs = _read_fields(written, "inputs")
    params = _read_list(written, "params")
    return Signature(
        inputs=_compile(inputs) if inputs else None,
        outputs=inputs_or_outputs(_read_list(written, "outputs")),
        params=read_params(params) if params else None,
        is_from_type_hint=mlmodel.get("is_signature_from_type_hint") is True,
    )


def inputs_or_outputs(specifications: list[dict[str, Any]]) -> tuple[Column | Tensor, ...]:
    """Return the columns or tensors that JSON objects describe.

    Raises:
        BrokenSignature: one is neither.
    """
    return tuple(
        read_tensor(item) if item.get("type") == "tensor" else read_column(item) for item in specifications
    )


def _read_fields(written: Mapping[str, Any], key: str) -> tuple[Column | Tensor, ...]:
    fields = inputs_or_outputs(_read_list(written, key))
    if len({field.name is None for field in fields}) > 1 or len({type(field) for field in fields}) > 1:
        raise BrokenSignature(f"{key} that mix kinds, or names with none")
    return fields


def _read_list(written: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    """Return the JSON list of objects under *key*; empty where there is none."""
    text = written.get(key)
    if text is None:
        return []
    try:
        found = json.loads(text)
    except (TypeError, ValueError) as error:
        raise BrokenSignature(f"{key} that are no JSON text") from error
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise BrokenSignature(f"{key} that are no list of objects")
    return found


def _compile(fields: tuple[Column | Tensor, ...]) -> Inputs:
    columns = tuple(field for field in fields if isinstance(field, Column))
    tensors = tuple(field for field in fields if isinstance(field, Tensor))
    if len(tensors) > 1 and tensors[0].name is None:
        raise BrokenSignature("several tensors without names")
    if tensors:
        return TensorSchema(tensors)
    return (UnnamedColumns if columns[0].name is None else NamedColumns)(compile_fields(columns))
