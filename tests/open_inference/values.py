"""What crosses between the tests and the clients: arrays as JSON. Runs in the clients' environments."""

import json
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

Answer = Callable[[str, str, dict[str, Any]], dict[str, Any]]
"""Of an address, a model's name, and a request."""


def dtype_of(datatype: str) -> str:
    """Return what NumPy calls a datatype: ``float32`` for FP32."""
    return "object" if datatype == "BYTES" else datatype.lower().replace("fp", "float")


def array_of(tensor: dict[str, Any]) -> Any:
    """Return a tensor of a request as an array; texts as objects."""
    return np.array(tensor["data"], dtype=dtype_of(tensor["datatype"])).reshape(tensor["shape"])


def bytes_of(array: Any) -> Any:
    """Return an array of texts as one of bytes, other arrays as they are."""
    if array.dtype != object:
        return array
    return np.array([text.encode() for text in array.ravel()], dtype=object).reshape(array.shape)


def plain(array: Any) -> list[Any]:
    """Return the elements of an array as JSON values, NaN as None."""
    return [plain_value(value) for value in np.asarray(array).ravel().tolist()]


def plain_value(value: Any) -> Any:
    """Return one of them."""
    if isinstance(value, float) and value != value:  # noqa: PLR0124 - NaN
        return None
    return value.decode() if isinstance(value, bytes) else value


def serve(answer: Answer) -> None:
    """Answer a request per line of the standard input, until its end."""
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            said = answer(asked["url"], asked["model"], asked["request"])
        except Exception as error:  # noqa: BLE001 - told to the test
            said = {"error": f"{type(error).__name__}: {error}"}
        sys.stdout.write(json.dumps(said) + "\n")
        sys.stdout.flush()
