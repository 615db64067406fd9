"""The rules of columns of arrays, objects, maps and anything.

MLflow is strict here (``mlflow.models.utils._enforce_type``): integers are no doubles unless they are
all 0 or 1, no text is a time, and unknown members are refused. It looks at a list the way pandas
does, which is why `pandas_kind` exists. The values come out as JSON again; the model process makes
NumPy's scalars and arrays of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from lading_runtime.payload import Buffers, Node
from lading_runtime.schema.cells import ABSENT, Cells, absent_rows, dump_cells, flatten, json_type
from lading_runtime.schema.datatypes import Anything, Array, DataType, Map, Object, Scalar, write_type
from lading_runtime.schema.numbers import INT64, exact_float
from lading_runtime.schema.refusals import Unfit, Unreadable
from lading_runtime.schema.scalars import as_read_by_pandas, decode_base64

FLOAT = Scalar("float")


@dataclass(frozen=True)
class Nested:
    """The rules of one array, object or map type."""

    type: DataType
    is_required: bool

    def from_frame(self, cells: Cells, buffers: Buffers) -> Node:
        """Return a column of lists and dictionaries.

        Raises:
            Unreadable: a cell does not conform to the type.
            Unfit: what it became does not.
        """
        node = self.from_row(cells, buffers)
        self._check_again(cells)
        return node

    def from_row(self, cells: Cells, buffers: Buffers) -> Node:
        """Return the same of a body that is the input itself, in which nothing is cast before.

        Raises:
            Unreadable: a cell does not conform to the type.
        """
        return self._column(cells, buffers, arrays=False)

    def from_values(self, cells: Cells, buffers: Buffers) -> Node:
        """Return the same with NumPy arrays for lists, which must have equal lengths inside.

        Raises:
            Unreadable: a cell does not conform to the type.
            Unfit: a cell is missing; MLflow knows an absent list only in data frames.
        """
        is_array = isinstance(self.type, Array)
        present = [cell for cell in cells if cell is not ABSENT]
        for cell in present if is_array else ():
            flatten(cell)
        node = self._column(present, buffers, arrays=is_array)
        if len(present) < len(cells) or (is_array and None in present):
            raise Unfit("a missing list or object")
        self._check_again(present)
        return node

    def _check_again(self, cells: Cells) -> None:
        """Refuse elements of lists of 32-bit floats: cast once, they are 64-bit ones when MLflow enforces."""
        if any(holds_elements(cell, self.type, FLOAT) for cell in cells):
            raise Unfit(f"can not safely convert double to {FLOAT} in a list")

    def _column(self, cells: Cells, buffers: Buffers, *, arrays: bool) -> Node:
        values = [conform(cell, self.type, is_required=self.is_required) for cell in cells]
        of = write_type(self.type)
        return {"type": "nested", "of": of, "buffer": buffers.add(dump_cells(values)), "arrays": arrays}


@dataclass(frozen=True)
class Unruled:
    """The rules of columns of anything: there are none."""

    def from_frame(self, cells: Cells, buffers: Buffers) -> Node:
        """Return the cells as they are."""
        return as_read_by_pandas("any", cells, buffers)

    def from_values(self, cells: Cells, buffers: Buffers) -> Node:
        """Return the cells as they are."""
        return {"type": "any", "buffer": buffers.add(dump_cells(cells)), "absent": absent_rows(cells)}


def conform(value: Any, data_type: DataType, *, is_required: bool) -> Any:
    """Return *value* as *data_type* has it.

    Raises:
        Unreadable: it is no such thing.
    """
    if isinstance(data_type, Anything):
        return value
    return _CONFORMING[type(data_type)](value, data_type, is_required=is_required)


def holds_elements(value: Any, data_type: DataType, element: Scalar) -> bool:
    """Tell whether there is an element in a list of *element* in *value*, which conforms to *data_type*."""
    if not value or isinstance(data_type, (Scalar, Anything)):
        return False
    if isinstance(data_type, Array):
        return data_type.items == element or any(
            holds_elements(item, data_type.items, element) for item in value
        )
    if isinstance(data_type, Map):
        return any(holds_elements(item, data_type.values, element) for item in value.values())
    return any(holds_elements(value.get(item.name), item.type, element) for item in data_type.properties)


def _conform_array(value: Any, array: Array, *, is_required: bool) -> Any:
    may_be_empty = not is_required or isinstance(array.items, Anything)
    if may_be_empty and (value is None or value == []):
        return value
    if not isinstance(value, list):
        raise Unreadable(f"{json_type(value)} instead of a list")
    if isinstance(array.items, Scalar):
        check_elements(value, array.items)
        return conform_scalars(value, array.items) if value else value
    return [conform(item, array.items, is_required=is_required) for item in value]


def _conform_object(value: Any, obj: Object, *, is_required: bool) -> Any:
    if not is_required and (value is None or value == {}):
        return value
    if not isinstance(value, dict):
        raise Unreadable(f"{json_type(value)} instead of an object")
    properties = {item.name: item for item in obj.properties}
    missing = [item.name for item in obj.properties if item.is_required and item.name not in value]
    if missing:
        raise Unreadable(f"missing required properties {missing}")
    if not value.keys() <= properties.keys():
        raise Unreadable("properties that the signature does not have")
    return {
        name: _conform_member(name, item, properties[name].type, is_required=properties[name].is_required)
        for name, item in value.items()
    }


def _conform_map(value: Any, mapping: Map, *, is_required: bool) -> Any:
    if (not is_required or isinstance(mapping.values, Anything)) and (value is None or value == {}):
        return value
    if not isinstance(value, dict):
        raise Unreadable(f"{json_type(value)} instead of an object")
    return {name: conform(item, mapping.values, is_required=is_required) for name, item in value.items()}


def _conform_single(value: Any, scalar: Scalar, *, is_required: bool) -> Any:
    if value is None and not is_required:
        return None
    if value is None or isinstance(value, (list, dict)):
        raise Unreadable(f"{json_type(value)} instead of a single value")
    return conform_scalars([value], scalar)[0]


_CONFORMING: dict[type, Callable[..., Any]] = {
    Array: _conform_array,
    Object: _conform_object,
    Map: _conform_map,
    Scalar: _conform_single,
}


def _conform_member(name: str, value: Any, data_type: DataType, *, is_required: bool) -> Any:
    try:
        return conform(value, data_type, is_required=is_required)
    except Unreadable as error:
        raise Unreadable(f"property {name!r}: {error}") from error


def pandas_kind(cells: Cells) -> str:
    """Return what ``pd.Series(cells)`` is a series of: int64, float64, bool, str, or object for the rest.

    Raises:
        Unreadable: it is of texts that are no Unicode.
    """
    kinds = {type(cell) for cell in cells}
    if kinds == {int} and all(cell in INT64 for cell in cells):
        return "int64"
    if kinds == {bool}:
        return "bool"
    kinds.discard(type(None))
    if kinds == {str}:
        check_unicode(cells)
        return "str"
    is_number = bool(kinds) and kinds <= {int, float} and not all(type(cell) is int for cell in cells)
    return "float64" if is_number else "object"


def check_unicode(texts: Iterable[str | None]) -> None:
    """Refuse a lone surrogate, which JSON can say and a pandas whose texts are Arrow's cannot.

    Raises:
        Unreadable: there is one.
    """
    try:
        "".join(filter(None, texts)).encode()
    except UnicodeEncodeError:
        raise Unreadable("a text that is no Unicode") from None


def check_elements(values: list[Any], scalar: Scalar) -> None:
    """Refuse lists among the texts of an array; of an object NumPy makes the text that Python prints.

    Raises:
        Unreadable: there is one.
    """
    if scalar.name == "string" and any(isinstance(value, list) for value in values):
        raise Unreadable("a list instead of a text")


def conform_scalars(values: list[Any], scalar: Scalar) -> list[Any]:
    """Return the values of a list that is not empty (``_enforce_mlflow_datatype``)."""
    kind = pandas_kind(values)
    is_zero_or_one = kind == "int64" and all(value in (0, 1) for value in values)
    if scalar.name in ("double", "float") and is_zero_or_one:
        return [float(value) for value in values]
    if (scalar.name, kind) == ("double", "float64"):
        return [None if value is None else float(value) for value in values]
    if (scalar.name, kind) == ("double", "object"):  # ``pd.to_numeric``, because object is Decimal to NumPy
        return [None if value is None else exact_float(value) for value in values]
    if scalar.name == "string" and kind in ("str", "object"):
        return [value if value is None or isinstance(value, str) else str(value) for value in values]
    if scalar.name == "binary" and kind in ("str", "object"):
        for value in filter(None, values):
            decode_base64(value)
        return values
    is_boolean = scalar.name == "boolean" and {type(value) for value in values} <= {bool, type(None)}
    # Of nothing but null pandas makes objects, which MLflow takes for times.
    is_time = scalar.name == "datetime" and all(value is None for value in values)
    if is_boolean or is_time or (scalar.name, kind) == ("long", "int64"):
        return values
    raise Unreadable(f"can not safely convert {kind} to {scalar}")
