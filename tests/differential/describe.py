"""What reached a model, as JSON that differs wherever two of these differ.

As the echo models of the conformance suite say it, but nothing is cut short: `replay.py` finds the bytes
in such answers. Runs in MLflow's environment.
"""

from typing import Any

import numpy as np
import pandas as pd


def describe(value: Any) -> Any:
    """Return *value* as JSON that shows its kind, types, shape and contents."""
    match value:
        case pd.DataFrame():
            return describe_frame(value)
        case np.ndarray():
            shape, cells = list(value.shape), repr(value.tolist())
            return {"kind": "ndarray", "dtype": str(value.dtype), "shape": shape, "repr": cells}
        case dict():
            return {"kind": "dict", "items": {str(key): describe(item) for key, item in value.items()}}
        case list():
            return {"kind": "list", "items": [describe(item) for item in value]}
        case _:
            return {"kind": type(value).__name__, "repr": repr(value)}


def describe_frame(frame: pd.DataFrame) -> Any:
    """Return *frame* as JSON; every cell reads `type:repr`."""
    rows = frame.itertuples(index=False, name=None)
    return {
        "kind": "DataFrame",
        "columns": [repr(column) for column in frame.columns],
        "dtypes": [str(dtype) for dtype in frame.dtypes],
        "index": [repr(label) for label in frame.index],
        "rows": [[f"{type(cell).__name__}:{cell!r}" for cell in row] for row in rows],
    }
