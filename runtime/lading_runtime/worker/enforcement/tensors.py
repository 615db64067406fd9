"""A data frame and the tensors of a signature (``mlflow.models.utils._enforce_tensor_schema``)."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Sequence

from lading_runtime.payload import Node
from lading_runtime.worker.enforcement.columns import check_present
from lading_runtime.worker.enforcement.misfit import Misfit
from lading_runtime.worker.problems import SchemaError


def enforce_tensors(frame: Any, fields: Sequence[Node]) -> Any:
    """Return what *frame* holds as the array, or the arrays by name, that *fields* declare.

    Raises:
        SchemaError: columns are missing, or of other shapes or types.
    """
    if fields[0]["name"] is None:
        return _enforce_unnamed(frame, fields[0])
    check_present(frame, [{**field, "required": True} for field in fields])
    return {field["name"]: _blaming(field["name"], frame[field["name"]], field) for field in fields}


def _enforce_unnamed(frame: Any, field: Node) -> Any:
    count = len(frame.columns)
    if frame.empty:
        raise SchemaError("an empty data frame")
    if count == 1:
        return _blaming(frame.columns[0], frame.iloc[:, 0], field)
    if field["shape"] != [-1, count]:
        raise SchemaError(f"{count} columns for a tensor of shape {tuple(field['shape'])}")
    array = frame.to_numpy()
    if array.dtype != field["dtype"]:
        raise SchemaError(f"dtype {array.dtype} does not match {field['dtype']}")
    return array


def _blaming(label: Any, values: Any, field: Node) -> Any:
    try:
        return stacked(values, field)
    except Misfit as problem:
        raise SchemaError(f"column {label!r} ({field['dtype']}): {problem}") from problem
    except (TypeError, ValueError, OverflowError) as error:
        raise SchemaError(f"column {label!r} ({field['dtype']}): it cannot become this tensor") from error


def stacked(values: Any, field: Node) -> Any:
    """Return a column as an array: of its cells, or of the lists or arrays in them.

    Raises:
        Misfit: it has another shape, or what is cast would be lost.
    """
    numpy, shape = import_module("numpy"), field["shape"]
    if not shape or shape[0] != -1 or -1 in shape[1:]:
        raise Misfit(f"no data frame has the shape {tuple(shape)}")
    first = values.iloc[0] if len(values) else None
    if numpy.isscalar(first):
        if shape not in ([-1], [-1, 1]):
            raise Misfit(f"single values, where the shape is {tuple(shape)}")
        return cast(values, field["dtype"]).reshape(shape)
    is_flat_list = isinstance(first, list) and bool(first) and numpy.isscalar(first[0])
    if not (is_flat_list or isinstance(first, numpy.ndarray)):
        raise Misfit("neither single values nor flat lists of them")
    rows = numpy.vstack(values.tolist()).reshape(shape)
    if len(rows) != len(values):
        raise Misfit(f"lists that do not make the shape {tuple(shape)}")
    # MLflow leaves the types of arrays alone, whatever is declared.
    return cast(rows, field["dtype"]) if is_flat_list else rows


def cast(values: Any, dtype: str) -> Any:
    """Return *values* as an array of *dtype*.

    Raises:
        Misfit: numbers would be cut off, wrapped around or become infinite.
    """
    numpy = import_module("numpy")
    # What does not fit is refused below, so that NumPy need not warn of it.
    with numpy.errstate(all="ignore"):
        result = numpy.array(values, dtype=dtype)
    source = numpy.asarray(values)
    if source.dtype == object and result.dtype.kind in "iuf":
        source = numpy.array(source.tolist())
    if source.dtype.kind in "biuf" and not _is_kept(source, result):
        raise Misfit(f"numbers that are no {dtype}")
    return result


def _is_kept(source: Any, result: Any) -> bool:
    """Tell whether casting numbers changed none that matters; floats may lose digits."""
    if result.dtype.kind in "iu":
        return bool((result == source).all())
    isfinite = import_module("numpy").isfinite
    return result.dtype.kind != "f" or bool((isfinite(result) == isfinite(source)).all())
