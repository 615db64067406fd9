"""Predictions as JSON that differs wherever two of them differ: types, dtypes, indexes, each bit of a number.

Runs in the environments of the flavours, in which nothing of the tests is installed.
"""

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd


def describe(value: Any) -> Any:
    """Return *value* as JSON."""
    match value:
        case pd.DataFrame():
            columns = [describe(value.iloc[:, position]) for position in range(value.shape[1])]
            return {"frame": columns, "names": describe(value.columns), "index": describe(value.index)}
        case pd.Series():
            return {
                "series": str(value.dtype),
                "name": describe(value.name),
                "index": describe(value.index),
                "values": [describe(item) for item in value],
            }
        case pd.Index():
            kind = type(value).__name__
            return {
                kind: str(value.dtype),
                "names": list(value.names),
                "values": [describe(item) for item in value],
            }
        case np.ndarray():
            return {"array": str(value.dtype), "shape": value.shape, "values": describe(value.tolist())}
        case np.generic():
            return {type(value).__name__: describe(value.item())}
        case _:
            return describe_plain(value)


def describe_plain(value: Any) -> Any:
    """Return *value*, an object of Python alone, as JSON."""
    match value:
        case dict():
            # The order is left out: TensorFlow's answers have another one in each process.
            return {"dict": sorted([repr(key), describe(item)] for key, item in value.items())}
        case list() | tuple():
            return {type(value).__name__: [describe(item) for item in value]}
        case float():
            return value.hex()
        case None | bool() | int() | str():
            return value
        case dt.date() | dt.time() | dt.timedelta():
            return {type(value).__name__: str(value)}
        case _:
            # TensorFlow's and PyTorch's tensors.
            return {type(value).__name__: describe(value.numpy())}


def describe_error(error: Exception) -> Any:
    """Return what a client gets to know of *error*: its code, or that there is none."""
    code = getattr(error, "error_code", None)
    # TensorFlow's errors have numbers of that name.
    return {"raised": code if isinstance(code, str) else type(error).__name__}
