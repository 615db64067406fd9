"""The datatypes of the protocol, and what they are to NumPy and to MLflow's signatures.

The mapping from MLflow's types is that of MLServer (``mlserver_mlflow.metadata``).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from lading_runtime.errors import MalformedBody
from lading_runtime.protocol.encode import CODES
from lading_runtime.schema.cells import Cells
from lading_runtime.schema.datatypes import DataType, Scalar
from lading_runtime.schema.refusals import Unreadable
from lading_runtime.schema.tensors import ELEMENTS
from lading_runtime.wire import Buffer

BYTES = "BYTES"
BFLOAT16 = "BF16"
"""Triton's; only in binary, and read as FP32, of which it is the upper half."""

NUMPY_NAMES = {
    "BOOL": "bool",
    "UINT8": "uint8",
    "UINT16": "uint16",
    "UINT32": "uint32",
    "UINT64": "uint64",
    "INT8": "int8",
    "INT16": "int16",
    "INT32": "int32",
    "INT64": "int64",
    "FP16": "float16",
    "FP32": "float32",
    "FP64": "float64",
}
"""What NumPy calls the datatypes of numbers."""

DTYPES = {datatype: ELEMENTS[name].dtype for datatype, name in NUMPY_NAMES.items()}
"""How they lie in a buffer: ``<f4``."""

KNOWN = frozenset([*NUMPY_NAMES, BYTES, BFLOAT16])
BY_DTYPE = {dtype: datatype for datatype, dtype in DTYPES.items()}
BY_NUMPY_NAME = {name: datatype for datatype, name in NUMPY_NAMES.items()}
FLOATS = frozenset({"FP16", "FP32", "FP64"})


class Form(NamedTuple):
    """How a column or tensor is said in the protocol."""

    datatype: str

    content_type: str
    """MLServer's name for what the elements are."""


OF_SCALARS = {
    "boolean": Form("BOOL", "np"),
    "integer": Form("INT32", "np"),
    "long": Form("INT64", "np"),
    "float": Form("FP32", "np"),
    "double": Form("FP64", "np"),
    "string": Form(BYTES, "str"),
    "binary": Form(BYTES, "base64"),
    "datetime": Form(BYTES, "datetime"),
}
NESTED = Form(BYTES, "pd_json")


def form_of_column(data_type: DataType) -> Form:
    """Return how a column of *data_type* is said; lists and objects are JSON text in each cell."""
    return OF_SCALARS[data_type.name] if isinstance(data_type, Scalar) else NESTED


def form_of_tensor(numpy_name: str) -> Form:
    """Return how a tensor of a dtype is said; what is no number is text."""
    return Form(BY_NUMPY_NAME.get(numpy_name, BYTES), "np")


def item_bytes(datatype: str) -> int:
    """Return the size of an element of numbers."""
    return 2 if datatype == BFLOAT16 else int(DTYPES[datatype][2:])


def pack(datatype: str, cells: Cells) -> bytes:
    """Return JSON values as numbers, one after the other, by the rules of tensors; null is NaN.

    Raises:
        Unreadable: one is no such number.
    """
    return ELEMENTS[NUMPY_NAMES[datatype]].pack(cells)


def unpack(datatype: str, buffer: Buffer) -> tuple[Any, ...]:
    """Return the numbers in *buffer*."""
    count = len(buffer) // item_bytes(datatype)
    return struct.unpack(f"<{count}{CODES[DTYPES[datatype][1:]]}", buffer)


def widen(halves: Buffer) -> bytes:
    """Return numbers of BF16 as those of FP32."""
    count = len(halves) // 2
    return struct.pack(f"<{count}I", *(half << 16 for half in struct.unpack(f"<{count}H", halves)))


LENGTH = struct.Struct("<I")


def pack_texts(texts: Sequence[bytes]) -> bytes:
    """Return elements of BYTES, each behind its length."""
    return b"".join([part for text in texts for part in (LENGTH.pack(len(text)), text)])


def unpack_texts(buffer: Buffer) -> list[bytes]:
    """Return the elements in *buffer*.

    Raises:
        Unreadable: the lengths do not add up.
    """
    texts, start = [], 0
    view = memoryview(buffer)
    while start < len(view):
        begin = start + LENGTH.size
        if begin > len(view):
            raise Unreadable("binary data that end in a length")
        start = begin + LENGTH.unpack(view[start:begin])[0]
        if start > len(view):
            raise Unreadable("binary data that end in an element")
        texts.append(bytes(view[begin:start]))
    return texts


def check_datatype(datatype: object) -> str:
    """Return *datatype* if it is one.

    Raises:
        MalformedBody: it is none.
    """
    if not isinstance(datatype, str) or datatype not in KNOWN:
        raise MalformedBody(f"an input has no datatype of the protocol: {', '.join([*NUMPY_NAMES, BYTES])}")
    return datatype


def as_object(value: Any, what: str) -> Mapping[str, Any]:
    """Return *value* if it is a JSON object, an empty one for null.

    Raises:
        MalformedBody: it is something else.
    """
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise MalformedBody(f"{what} must be an object")
    return value
