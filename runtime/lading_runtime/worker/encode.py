"""Predictions as JSON, as MLflow's server writes them; NaN and the infinities as null.

The reference is ``mlflow.pyfunc.scoring_server.predictions_to_json`` with its ``_get_jsonable_obj``
and ``NumpyEncoder``. Arrays of numbers leave as they are; the server writes them. NumPy, pandas and
pydantic are looked up among the loaded modules: a prediction can only be of a type that is loaded.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
import math
import sys
from itertools import accumulate
from typing import Any, Sequence

from lading_runtime.wire import Buffer

RAW_DTYPES = frozenset(["|b1", "|i1", "|u1", "<i2", "<u2", "<i4", "<u4", "<i8", "<u8", "<f4", "<f8"])
"""Arrays of these leave as buffers."""


class Unserialisable(Exception):
    """A prediction cannot be written as JSON; the message names the type that is to blame."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the prediction cannot be written as JSON: {reason}")


class NotByRows(Exception):
    """The prediction for a batch has not one row for each of its rows."""


def encode(prediction: Any) -> tuple[dict[str, Any], list[Buffer]]:
    """Return *prediction* as a value of `lading_runtime.wire` and its buffers.

    Raises:
        Unserialisable: MLflow could not write it either.
    """
    numpy = sys.modules.get("numpy")
    if numpy is not None and type(prediction) is numpy.ndarray and prediction.ndim:
        little = prediction.dtype.newbyteorder("<")
        if little.str in RAW_DTYPES:
            value = {"kind": "array", "dtype": little.str, "shape": list(prediction.shape), "buffer": 0}
            return value, [memoryview(numpy.ascontiguousarray(prediction, little))]
    return {"kind": "json", "buffer": 0}, [json_text(prediction).encode("ascii")]


def encode_rows(prediction: Any, rows: Sequence[int]) -> tuple[dict[str, Any], list[Buffer]]:
    """Return the *prediction* for a batch as a value and buffers; each request has so many *rows* of it.

    Raises:
        NotByRows: it has not one row for each row of the batch.
        Unserialisable: MLflow could not write a part of it either.
    """
    if not is_by_rows(prediction, sum(rows)):
        raise NotByRows(f"the model gave not one row for each row of a batch, but {name_of(prediction)}")
    value, buffers = encode(prediction) if is_raw(prediction) else ({"kind": "texts"}, [])
    if value["kind"] == "array":
        return value, buffers
    by_position = getattr(prediction, "iloc", prediction)
    ends = list(accumulate(rows))
    parts = [by_position[end - count : end] for count, end in zip(rows, ends)]
    return {"kind": "texts"}, [json_text(part).encode("ascii") for part in parts]


def is_raw(prediction: Any) -> bool:
    """Tell whether *prediction* leaves as a buffer."""
    dtype = getattr(prediction, "dtype", None)
    return type(prediction).__name__ == "ndarray" and getattr(dtype, "kind", "") in "biuf"


def is_by_rows(prediction: Any, count: int) -> bool:
    """Tell whether *prediction* has *count* rows that can be told apart."""
    numpy, pandas = sys.modules.get("numpy"), sys.modules.get("pandas")
    kinds: tuple[Any, ...] = (list,)
    if numpy is not None:
        kinds += (numpy.ndarray,)
    if pandas is not None:
        kinds += (pandas.DataFrame, pandas.Series)
    return isinstance(prediction, kinds) and getattr(prediction, "ndim", 1) > 0 and len(prediction) == count


def json_text(prediction: Any) -> str:
    """Return *prediction* as JSON in ASCII."""
    try:
        plain = without_pandas(prediction)
        try:
            return json.dumps(plain, default=leaf, allow_nan=False, separators=(",", ":"))
        except ValueError:  # a NaN or infinity, which the quick way cannot replace
            return json.dumps(without_nan(plain), separators=(",", ":"))
    except Unserialisable:
        raise
    except TypeError as error:
        is_about_keys = str(error).startswith("keys must be")
        raise Unserialisable(str(error) if is_about_keys else f"it is {name_of(prediction)}") from error
    except RecursionError as error:
        raise Unserialisable("it contains itself, or is nested too deeply") from error
    except ValueError as error:  # Python writes no integers of thousands of digits
        raise Unserialisable("it contains too long a number") from error


def without_pandas(prediction: Any) -> Any:
    """Return *prediction* as MLflow takes it apart first; only the outermost object is looked at."""
    numpy, pandas = sys.modules.get("numpy"), sys.modules.get("pandas")
    if numpy is not None and isinstance(prediction, numpy.ndarray):
        return prediction.tolist()
    if pandas is not None and isinstance(prediction, pandas.Series):
        prediction = pandas.DataFrame(prediction)
    if pandas is not None and isinstance(prediction, pandas.DataFrame):
        return prediction.to_dict(orient="records")
    return prediction


def leaf(value: Any) -> Any:
    """Return *value*, of a type that JSON does not have, as something that it has or that is a leaf again.

    Raises:
        Unserialisable: it is none of the types that MLflow knows.
    """
    numpy, pandas = sys.modules.get("numpy"), sys.modules.get("pandas")
    if numpy is not None and isinstance(value, (numpy.ndarray, numpy.generic)):
        return python_of(value)
    if isinstance(value, (bytes, bytearray)):
        return base64.encodebytes(value).decode("ascii")
    if isinstance(value, (dt.date, dt.time)):  # so are datetime, pandas.Timestamp and NaT
        return value.isoformat()
    if pandas is not None and value is getattr(pandas, "NA", pandas):
        return None
    base_model = getattr(sys.modules.get("pydantic"), "BaseModel", None)
    if base_model is not None and isinstance(value, base_model):
        return value.model_dump() if hasattr(value, "model_dump") else value.dict()
    raise Unserialisable(f"it contains {name_of(value)}")


def python_of(value: Any) -> Any:
    """Return a NumPy array or scalar as lists and objects of Python."""
    python = value.tolist()
    if type(python) is type(value):  # a number that Python has not, such as longdouble
        raise Unserialisable(f"it contains {name_of(value)}")
    return python


def without_nan(value: Any) -> Any:
    """Return *value* as objects that JSON has, NaN and the infinities as None."""
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, (list, tuple)):
        return [without_nan(item) for item in value]
    if isinstance(value, dict):
        return {finite_key(key): without_nan(item) for key, item in value.items()}
    return without_nan(leaf(value))


def finite_key(key: Any) -> Any:
    """Return *key*, or the text that MLflow writes for it if it is NaN or infinite."""
    is_odd = isinstance(key, float) and not math.isfinite(key)
    return json.dumps(float(key)) if is_odd else key


def name_of(value: Any) -> str:
    """Return what the type of *value* is called; where it is from may repeat a word of the payload."""
    return type(value).__name__
