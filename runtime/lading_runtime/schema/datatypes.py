"""The types that an MLflow signature knows, read from its JSON (``mlflow.types.schema``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Union

Label = Union[str, int, float]
"""What a column is called; a number where a data frame without column names was the example."""

SCALARS = ("boolean", "integer", "long", "float", "double", "string", "binary", "datetime")


class BrokenSignature(Exception):
    """A signature that MLflow would not have written: the model cannot be served by it."""


@dataclass(frozen=True)
class Scalar:
    """One value."""

    name: str
    """One of `SCALARS`."""

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Array:
    """Any number of values of one type."""

    items: DataType

    def __str__(self) -> str:
        return f"Array({self.items})"


@dataclass(frozen=True)
class Property:
    """One member of an object."""

    name: str
    type: DataType
    is_required: bool


@dataclass(frozen=True)
class Object:
    """Named members, and no others."""

    properties: tuple[Property, ...]

    def __str__(self) -> str:
        return "Object"


@dataclass(frozen=True)
class Map:
    """Any names, with values of one type."""

    values: DataType

    def __str__(self) -> str:
        return f"Map({self.values})"


@dataclass(frozen=True)
class Anything:
    """Whatever JSON can say."""

    def __str__(self) -> str:
        return "Any"


DataType = Union[Scalar, Array, Object, Map, Anything]


@dataclass(frozen=True)
class Column:
    """A column of a signature."""

    name: Label | None
    """None in signatures whose columns have no names."""

    type: DataType
    is_required: bool = True


@dataclass(frozen=True)
class Tensor:
    """A NumPy array of a signature."""

    name: Label | None

    dtype: str
    """NumPy's name for it: ``float32``."""

    shape: tuple[int, ...]
    """-1 is any length."""


Specification = Mapping[str, Any]


def read_type(specification: Specification) -> DataType:
    """Return the type that a JSON object of a signature describes.

    Raises:
        BrokenSignature: it describes none.
    """
    name = specification.get("type")
    if name == "array":
        return Array(read_type(_inner(specification, "items")))
    if name == "map":
        return Map(read_type(_inner(specification, "values")))
    if name == "object":
        return Object(_properties(_inner(specification, "properties")))
    if name == "sparkml_vector":
        return Array(Scalar("double"))
    if name == "any":
        return Anything()
    if name not in SCALARS:
        raise BrokenSignature(f"unknown type {name!r}")
    return Scalar(name)


def write_type(data_type: DataType) -> dict[str, Any]:
    """Return *data_type* as JSON, as `read_type` reads it."""
    if isinstance(data_type, Scalar):
        return {"type": data_type.name}
    if isinstance(data_type, Array):
        return {"type": "array", "items": write_type(data_type.items)}
    if isinstance(data_type, Map):
        return {"type": "map", "values": write_type(data_type.values)}
    if isinstance(data_type, Object):
        members = {
            item.name: {**write_type(item.type), "required": item.is_required}
            for item in data_type.properties
        }
        return {"type": "object", "properties": members}
    return {"type": "any"}


def read_column(specification: Specification) -> Column:
    """Return a column of a signature.

    Raises:
        BrokenSignature: it has no known type.
    """
    data_type = read_type(specification)
    # Old signatures say nothing: MLflow then takes a scalar for required, and anything else for optional.
    is_required = specification.get("required", isinstance(data_type, Scalar))
    return Column(_name(specification), data_type, bool(is_required))


def read_tensor(specification: Specification) -> Tensor:
    """Return a tensor of a signature.

    Raises:
        BrokenSignature: it has no dtype or no shape.
    """
    inner = _inner(specification, "tensor-spec")
    dtype, shape = inner.get("dtype"), inner.get("shape")
    if not isinstance(dtype, str) or not isinstance(shape, list) or not all(type(n) is int for n in shape):
        raise BrokenSignature("a tensor without dtype and shape")
    return Tensor(_name(specification), dtype, tuple(shape))


def _name(specification: Specification) -> Label | None:
    name = specification.get("name")
    if name is not None and not isinstance(name, (str, int, float)):
        raise BrokenSignature("a name that is neither text nor number")
    return name


def _inner(specification: Specification, key: str) -> Specification:
    """Return the object under *key*."""
    inner = specification.get(key)
    if not isinstance(inner, dict):
        raise BrokenSignature(f"type {specification.get('type')!r} without {key!r}")
    return inner


def _properties(specifications: Specification) -> tuple[Property, ...]:
    """Return the members of an object; an optional one says ``"required": false``."""
    if not all(isinstance(item, dict) for item in specifications.values()):
        raise BrokenSignature("an object with properties that are no objects")
    return tuple(
        Property(name, read_type(item), item.get("required", True) is not False)
        for name, item in specifications.items()
    )
