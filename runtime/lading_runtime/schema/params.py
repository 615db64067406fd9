"""The rules of parameters (``mlflow.models.utils._enforce_params_schema``): strict Python types."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from lading_runtime.errors import InvalidParams
from lading_runtime.payload import Buffers, Node
from lading_runtime.schema.cells import dump, json_type
from lading_runtime.schema.datatypes import (
    SCALARS,
    BrokenSignature,
    DataType,
    Label,
    Object,
    Scalar,
    read_type,
)
from lading_runtime.schema.nested import conform
from lading_runtime.schema.refusals import Unreadable
from lading_runtime.schema.scalars import in_utc

LIST_SHAPE = (-1,)

PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "string": (str,),
}
"""What JSON values each type takes; true is no integer, 2.0 neither."""

DATE = re.compile(r"(?P<year>\d{4})(-(?P<month>\d\d)(-(?P<day>\d\d))?)?")
TIME = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d)[T ](?P<hour>\d\d)"
    r"(:(?P<minute>\d\d)(:(?P<second>\d\d)(\.(?P<fraction>\d{1,6}))?)?)?"
)
Moment = date
"""A day; or a ``datetime``, which is a kind of ``date``."""


@dataclass(frozen=True)
class Param:
    """One parameter of a signature."""

    name: str
    type: DataType

    is_list: bool

    default: Any
    """As JSON; a time is the text that says it."""

    def node(self, value: Any, buffers: Buffers) -> Node:
        """Return *value* as the model is given it.

        Raises:
            Unreadable: it is not of this parameter's type.
        """
        if not self.is_list:
            return self._single(value, buffers)
        if not isinstance(value, list) or any(isinstance(item, list) for item in value):
            raise Unreadable(f"{json_type(value)} instead of a flat list")
        return {"kind": "list", "items": [self._single(item, buffers) for item in value]}

    def node_or_problem(self, value: Any, buffers: Buffers, problems: list[str]) -> Node:
        """Return *value* as the model is given it; add to *problems* what is wrong with it."""
        try:
            return self.node(value, buffers)
        except Unreadable as problem:
            problems.append(f"{self.name} ({'list of ' if self.is_list else ''}{self.type}): {problem}")
            return {}

    def _single(self, value: Any, buffers: Buffers) -> Node:
        if isinstance(self.type, Object):
            conform(value, self.type, is_required=True)
        elif self.type == Scalar("datetime"):
            moment = read_time(value)
            return {"kind": "time", "value": moment.isoformat()} if moment else as_json(None, buffers)
        else:
            value = conform_scalar(value, str(self.type))
        return as_json(value, buffers)


def as_json(value: Any, buffers: Buffers) -> Node:
    """Return a node of *value* as it is."""
    return {"kind": "json", "buffer": buffers.add(dump(value))}


def conform_scalar(value: Any, type_name: str) -> Any:
    """Return *value* as a parameter of a scalar type has it; null is kept.

    Raises:
        Unreadable: it is of another type.
    """
    if value is None:
        return None
    if type(value) not in PYTHON_TYPES[type_name]:
        raise Unreadable(f"can not safely convert {json_type(value)} to {type_name}")
    if type_name not in ("float", "double"):
        return value
    try:
        return float(value)
    except OverflowError:
        raise Unreadable("a number beyond 64-bit floats") from None


def read_time(value: Any) -> Moment | None:
    """Return the date or time that *value* says, as ``np.datetime64(value).item()`` does.

    Raises:
        Unreadable: it says none.
    """
    if value is None or value in ("", "NaT"):
        return None
    if not isinstance(value, str):
        raise Unreadable(f"{json_type(value)} instead of a time")
    try:
        return _read_time(in_utc(value))
    except ValueError:
        raise Unreadable("a text that is no time") from None


def _read_time(text: str) -> Moment:
    day = DATE.fullmatch(text)
    if day:
        return date(int(day["year"]), int(day["month"] or 1), int(day["day"] or 1))
    found = TIME.fullmatch(text)
    if not found:
        raise Unreadable("a text that is no time")
    hour, minute, second = (int(found[name] or 0) for name in ("hour", "minute", "second"))
    fraction = int((found["fraction"] or "").ljust(6, "0"))
    return datetime.combine(date.fromisoformat(found["date"]), time(hour, minute, second, fraction))


@dataclass(frozen=True)
class ParamSchema:
    """The parameters of a signature."""

    params: tuple[Param, ...]

    @property
    def names(self) -> frozenset[str]:
        """What they are called."""
        return frozenset(param.name for param in self.params)

    def node(self, sent: Any, buffers: Buffers) -> Node:
        """Return the parameters that a request gives, in its order, and the defaults of the others.

        Raises:
            InvalidParams: some do not fit; the message names them all.
        """
        given = {} if sent is None else sent
        if not isinstance(given, dict):
            raise InvalidParams(f"params must be an object, not {json_type(given)}")
        known = {param.name: param for param in self.params}
        values = {name: value for name, value in given.items() if name in known}
        defaults = {name: param.default for name, param in known.items() if name not in values}
        problems: list[str] = []
        items = [
            (name, known[name].node_or_problem(value, buffers, problems))
            for name, value in {**values, **defaults}.items()
        ]
        if problems:
            raise InvalidParams(f"invalid parameters: {'; '.join(problems)}")
        return {"kind": "dict", "items": items}


def read_params(specifications: list[dict[str, Any]]) -> ParamSchema:
    """Return the parameters that JSON objects describe.

    Raises:
        BrokenSignature: one has no name or no known type, or a default of another type.
    """
    return ParamSchema(tuple(_read_param(item) for item in specifications))


def _read_param(specification: Mapping[str, Any]) -> Param:
    name: Label | None = specification.get("name")
    type_name = specification.get("type") or specification.get("dtype")
    if name is None or (type_name not in SCALARS and type_name != "object") or type_name == "binary":
        raise BrokenSignature(f"a parameter {name!r} of type {type_name!r}")
    shape = specification.get("shape")
    if shape is not None and tuple(shape) != LIST_SHAPE:
        raise BrokenSignature(f"a parameter {name!r} of shape {shape!r}")
    data_type = read_type({**specification, "type": type_name})
    param = Param(str(name), data_type, shape is not None, specification.get("default"))
    try:
        param.node(param.default, Buffers())
    except Unreadable as error:
        raise BrokenSignature(f"the default of parameter {name!r}: {error}") from error
    return param
