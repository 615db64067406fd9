"""What the server says of its model: inputs and outputs, by its signature.

Metadata and answers say the same names and datatypes; MLServer's do not.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from lading_runtime.protocol.open_inference.datatypes import Form, form_of_column, form_of_tensor
from lading_runtime.schema.datatypes import Column, Label, Tensor
from lading_runtime.schema.signature import Signature
from lading_runtime.schema.tensors import TensorSchema
from lading_runtime.schema.unnamed_columns import UnnamedColumns

COLUMN_SHAPE = (-1, 1)
INPUT = "input"
OUTPUT = "output"

EXTENSIONS = ("binary_tensor_data", "model_configuration", "model_repository", "statistics")

CONFIGURED = {"BYTES": "TYPE_STRING"}
"""What a model configuration of Triton calls a datatype, where it is not ``TYPE_`` and the name."""


@dataclass(frozen=True)
class Identity:
    """Under which name and version the model is served."""

    name: str
    version: str

    platform: str
    """``mlflow_`` and the flavour: ``mlflow_sklearn``."""


@dataclass(frozen=True)
class Declared:
    """An input or an output of the model."""

    name: str
    shape: tuple[int, ...]
    """-1 is any length."""

    form: Form
    is_column: bool
    numpy_name: str = ""
    """Of a tensor."""

    @property
    def datatype(self) -> str:
        """The protocol's."""
        return self.form.datatype

    def metadata(self) -> dict[str, Any]:
        """Return what the model's metadata say."""
        return {
            "name": self.name,
            "datatype": self.datatype,
            "shape": self.shape,
            "parameters": {"content_type": self.form.content_type},
        }

    def configuration(self) -> dict[str, Any]:
        """Return what the model's configuration says."""
        data_type = CONFIGURED.get(self.datatype, f"TYPE_{self.datatype}")
        return {"name": self.name, "data_type": data_type, "dims": self.shape}


def declared_inputs(signature: Signature | None) -> tuple[Declared, ...]:
    """Return the inputs that *signature* declares."""
    inputs = None if signature is None else signature.inputs
    if inputs is None:
        return ()
    if isinstance(inputs, TensorSchema):
        return _declared(inputs.tensors, INPUT)
    has_names = not isinstance(inputs, UnnamedColumns)
    columns = (Column(field.name if has_names else None, field.type) for field in inputs.fields)
    return _declared(columns, INPUT)


def declared_outputs(signature: Signature | None) -> tuple[Declared, ...]:
    """Return the outputs that *signature* declares."""
    return () if signature is None else _declared(signature.outputs, OUTPUT)


def _declared(fields: Iterable[Column | Tensor], prefix: str) -> tuple[Declared, ...]:
    return tuple(_declare(field, position, prefix) for position, field in enumerate(fields))


def _declare(field: Column | Tensor, position: int, prefix: str) -> Declared:
    name = name_of(field.name, position, prefix)
    if isinstance(field, Column):
        return Declared(name, COLUMN_SHAPE, form_of_column(field.type), is_column=True)
    return Declared(name, field.shape, form_of_tensor(field.dtype), is_column=False, numpy_name=field.dtype)


def name_of(label: Label | None, position: int, prefix: str) -> str:
    """Return what an input or output is called."""
    return f"{prefix}-{position}" if label is None else str(label)


def server_metadata(version: str) -> dict[str, Any]:
    """Return what the server says of itself."""
    return {"name": "lading", "version": version, "extensions": EXTENSIONS}


def model_metadata(
    identity: Identity, inputs: Iterable[Declared], outputs: Iterable[Declared]
) -> dict[str, Any]:
    """Return what the server says of its model."""
    return {
        "name": identity.name,
        "versions": [identity.version],
        "platform": identity.platform,
        "inputs": [field.metadata() for field in inputs],
        "outputs": [field.metadata() for field in outputs],
    }


def model_configuration(
    identity: Identity, inputs: Iterable[Declared], outputs: Iterable[Declared]
) -> dict[str, Any]:
    """Return the model's configuration as Triton says it; ``perf_analyzer`` asks for nothing without it.

    A ``max_batch_size`` of 0 says that the shapes are complete, with the first dimension.
    """
    return {
        "name": identity.name,
        "platform": identity.platform,
        "backend": "",
        "version_policy": {"latest": {"num_versions": 1}},
        "max_batch_size": 0,
        "input": [field.configuration() for field in inputs],
        "output": [field.configuration() for field in outputs],
    }
