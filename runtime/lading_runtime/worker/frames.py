"""Payload nodes to what MLflow would have given the model: data frames and arrays.

Runs in the model process with the model's own NumPy and pandas, which are imported when a node first
needs them. The server has checked the request against the signature; what is refused here is what only
these libraries can tell (a text that is no time, a table that is none).
"""

from __future__ import annotations

import base64
import io
import json
from datetime import date, datetime
from functools import lru_cache
from importlib import import_module
from typing import Any, Callable, Sequence

from lading_runtime.payload import MISSING_BOOLEAN, Node
from lading_runtime.wire import Buffer
from lading_runtime.worker.columnar import build_columnar
from lading_runtime.worker.problems import PayloadError, SchemaError

Buffers = Sequence[Buffer]


def build(node: Node, buffers: Buffers) -> Any:
    """Return what *node* describes. Arrays of numbers are views of their buffers.

    Raises:
        PayloadError: it cannot be made.
    """
    return _BUILDERS[node["kind"]](node, buffers)


@lru_cache(maxsize=None)
def numpy() -> Any:
    """Return the model's NumPy.

    Remembered: `import_module` looks for locks and specifications each time.
    """
    return import_module("numpy")


@lru_cache(maxsize=None)
def pandas() -> Any:
    """Return the model's pandas."""
    return import_module("pandas")


def read_json(node: Node, buffers: Buffers) -> Any:
    """Return the JSON value in the buffer of *node*.

    Raises:
        PayloadError: it is nested deeper than this Python can read.
    """
    try:
        return json.loads(bytes(buffers[node["buffer"]]))
    except RecursionError as error:
        raise PayloadError("the body is nested too deep") from error


# --- values and arrays ---


def _build_time(node: Node, _buffers: Buffers) -> date:
    text = node["value"]
    return datetime.fromisoformat(text) if "T" in text else date.fromisoformat(text)


def _build_dict(node: Node, buffers: Buffers) -> dict[str, Any]:
    return {name: build(item, buffers) for name, item in node["items"]}


def _build_list(node: Node, buffers: Buffers) -> list[Any]:
    return [build(item, buffers) for item in node["items"]]


def _build_array(node: Node, buffers: Buffers) -> Any:
    return numpy().frombuffer(buffers[node["buffer"]], node["dtype"]).reshape(node["shape"])


def _build_numpy(node: Node, buffers: Buffers) -> Any:
    value = read_json(node, buffers)
    try:
        if node.get("each"):
            value = [numpy().array(item) for item in value]
        array = numpy().array(value, dtype=node["dtype"])
        return array if node["shape"] is None else array.reshape(node["shape"])
    except (TypeError, ValueError, OverflowError) as error:
        raise PayloadError("the values cannot become an array") from error


# --- data frames without a signature ---


def _build_pandas(node: Node, buffers: Buffers) -> Any:
    return _frame_by(lambda: pandas().DataFrame(**read_json(node, buffers)))


def _build_csv(node: Node, buffers: Buffers) -> Any:
    text = bytes(buffers[node["buffer"]]).decode("utf-8")
    return _frame_by(lambda: pandas().read_csv(io.StringIO(text), dtype=dict(node["dtypes"])))


def _frame_by(make: Callable[[], Any]) -> Any:
    try:
        return make()
    except PayloadError:
        raise
    except Exception as error:  # whatever pandas and its parsers raise, the client sent it
        raise PayloadError(f"the body is no data frame ({type(error).__name__})") from error


# --- data frames with a signature ---


def build_array_of_table(node: Node, buffers: Buffers) -> Any:
    """Return the cells of a "table" without the names of its columns, as its data frame holds them."""
    cells = numpy().frombuffer(buffers[node["buffer"]], node["dtype"])
    return cells.reshape(len(node["names"]), node["rows"]).T


def _build_table(node: Node, buffers: Buffers) -> Any:
    cells = build_array_of_table(node, buffers)
    columns = _known_labels(*node["names"]).copy(deep=True)
    return _labelled(pandas().DataFrame(cells, columns=columns, copy=False), node["index"])


@lru_cache(maxsize=8, typed=True)
def _known_labels(*names: Any) -> Any:
    """Return the labels that pandas makes of the *names* of columns; each data frame gets a copy.

    pandas looks at each name to find out their dtype, which takes four fifths of the time of a small frame.
    """
    return pandas().DataFrame(numpy().empty((0, len(names))), columns=list(names)).columns


def _build_frame(node: Node, buffers: Buffers) -> Any:
    columns = _build_columns(node["columns"], buffers)
    # A signature with nothing but optional columns, none of which was sent: MLflow forgets the rows, too.
    return _labelled(pandas().DataFrame(columns), node["index"]) if columns else pandas().DataFrame({})


def _build_columns(nodes: Sequence[Node], buffers: Buffers) -> dict[Any, Any]:
    """Return series and arrays by their names; a message names every column that cannot be made."""
    columns, problems = {}, []
    for node in nodes:
        try:
            columns[node["name"]] = _build_column(node, buffers)
        except PayloadError as error:  # noqa: PERF203 - each column may have one of its own
            problems.append(error)
    if problems:
        kind = SchemaError if all(isinstance(error, SchemaError) for error in problems) else PayloadError
        raise kind("; ".join(map(str, problems)))
    return columns


def _labelled(frame: Any, labels: Any) -> Any:
    if labels is not None:
        frame.index = _frame_by(lambda: pandas().DataFrame(index=labels)).index
    return frame


def _build_column(column: Node, buffers: Buffers) -> Any:
    """Return a series or an array; a message about it names the column."""
    make = _COLUMNS.get(column["type"])
    if make is None:
        # No series: pandas would align their indexes, which takes most of the time of a small frame.
        return numpy().frombuffer(buffers[column["buffer"]], column["type"])
    try:
        return make(column, buffers)
    except PayloadError as error:
        raise PayloadError(f"column {column['name']!r}: {error}") from error
    except UnicodeError as error:  # a lone surrogate, which JSON can say and Arrow cannot
        # The cells of `inputs` are an array to MLflow, which then makes no data frame of it.
        kind = SchemaError if column["type"] == "string" else PayloadError
        raise kind(f"column {column['name']!r}: a text that is no Unicode") from error


def _boolean_column(column: Node, buffers: Buffers) -> Any:
    true, false = (numpy().True_, numpy().False_) if column["scalars"] == "numpy" else (True, False)
    missing = float("nan") if column["missing"] == "nan" else None
    said = {0: false, 1: true, MISSING_BOOLEAN: missing}
    return pandas().Series([said[cell] for cell in bytes(buffers[column["buffer"]])], dtype=object)


def _cells(column: Node, buffers: Buffers) -> list[Any]:
    cells: list[Any] = read_json(column, buffers)
    for row in column.get("absent", ()):
        cells[row] = float("nan")
    return cells


def _any_column(column: Node, buffers: Buffers) -> Any:
    return pandas().Series(_cells(column, buffers), dtype=column.get("dtype"))


def _text_column(column: Node, buffers: Buffers) -> Any:
    """Return cells of any kind; only texts may have a dtype of their own, in those pandas that have one."""
    series = _any_column(column, buffers)
    return series if isinstance(series.dtype, pandas().StringDtype) else series.astype(object)


def _string_column(column: Node, buffers: Buffers) -> Any:
    cells = [_said(cell) for cell in read_json(column, buffers)]
    if column["arrays"]:
        cells = [_texts(cell) if isinstance(cell, list) else cell for cell in cells]
    return pandas().Series(cells or numpy().array(cells, dtype=str))


def _texts(value: list[Any]) -> Any:
    array = numpy().array(value)
    return array if array.size else array.astype(str)


def _said(value: Any) -> Any:
    """Return *value* as NumPy says it as a text, null as it is."""
    if isinstance(value, list):
        return [_said(item) for item in value]
    return None if value is None else str(value)


def _binary_column(column: Node, buffers: Buffers) -> Any:
    data = bytes(buffers[column["buffer"]])
    cells = []
    start = 0
    for length in column["lengths"]:
        cells.append(None if length < 0 else data[start : start + length])
        start += max(length, 0)
    return pandas().Series(cells, dtype=object)


def _time_column(column: Node, buffers: Buffers) -> Any:
    read = _times_by_pandas if column["by"] == "pandas" else _times_by_numpy
    try:
        return read(read_json(column, buffers))
    except (TypeError, ValueError, OverflowError) as error:
        raise PayloadError("a value that is no time") from error


def _times_by_pandas(cells: list[Any]) -> Any:
    """Return what ``pd.to_datetime`` reads, in UTC, without a zone."""
    times = pandas().to_datetime(pandas().Series(cells))
    if getattr(times.dtype, "tz", None) is not None:
        times = times.dt.tz_convert(None)
    return times.astype("datetime64[ns]")


def _times_by_numpy(cells: list[Any]) -> Any:
    """Return what ``np.array`` reads, unless it is a year that nanoseconds do not reach."""
    times = numpy().array(cells, dtype="datetime64[ns]")
    texts = [row for row, cell in enumerate(cells) if isinstance(cell, str)]
    exact = numpy().array([cells[row] for row in texts], dtype="datetime64[us]")
    if (times[texts].astype("datetime64[us]") != exact)[~numpy().isnat(exact)].any():
        raise PayloadError("a time that 64-bit nanoseconds do not reach")
    return pandas().Series(times)


def _nested_column(column: Node, buffers: Buffers) -> Any:
    cells = [_dressed(cell, column["of"]) for cell in read_json(column, buffers)]
    if column["arrays"]:
        cells = [_array_of(cell, column["of"]) for cell in cells]
    objects = numpy().empty(len(cells), dtype=object)
    for row, cell in enumerate(cells):
        objects[row] = cell
    return pandas().Series(objects, dtype=object)


def _array_of(value: Any, of: Node) -> Any:
    """Return a list as an array; times in one are all missing, because no text is a time in a list."""
    array = numpy().array(value)
    while of["type"] == "array":
        of = of["items"]
    return array.astype("datetime64[ns]") if of["type"] == "datetime" and array.size else array


_SCALARS = {"integer": "int32", "long": "int64", "float": "float32", "double": "float64", "boolean": "bool_"}


def _dressed(value: Any, of: Node) -> Any:
    """Return a JSON value with NumPy's scalars in its objects and maps, as MLflow leaves them."""
    if value is None or of["type"] == "any":
        return value
    if of["type"] == "array":
        return [_element(item, of["items"]) for item in value]
    if of["type"] == "map":
        return {name: _dressed(item, of["values"]) for name, item in value.items()}
    if of["type"] == "object":
        return {name: _dressed(item, of["properties"][name]) for name, item in value.items()}
    if of["type"] == "binary":
        return base64.b64decode(value)
    scalar = _SCALARS.get(of["type"])
    return getattr(numpy(), scalar)(value) if scalar else value


def _element(value: Any, of: Node) -> Any:
    """Return an element of a list, where numbers are Python's and a missing one is NaN."""
    if value is None and of["type"] in ("float", "double"):
        return float("nan")
    return value if of["type"] in _SCALARS else _dressed(value, of)


_COLUMNS: dict[str, Callable[[Node, Buffers], Any]] = {
    "boolean": _boolean_column,
    "text": _text_column,
    "string": _string_column,
    "binary": _binary_column,
    "time": _time_column,
    "any": _any_column,
    "nested": _nested_column,
}

_BUILDERS: dict[str, Callable[[Node, Buffers], Any]] = {
    "table": _build_table,
    "frame": _build_frame,
    "array": _build_array,
    "numpy": _build_numpy,
    "json": read_json,
    "time": _build_time,
    "dict": _build_dict,
    "list": _build_list,
    "pandas": _build_pandas,
    "csv": _build_csv,
    "columnar": build_columnar,
}
