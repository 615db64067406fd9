"""What MLflow and Lading make of parquet files with signatures; run by the interpreter that has MLflow.

    python columnar_oracle.py RUNTIME

Every kind of column meets every type of a signature, and tensors of several shapes. Prints, as JSON, how many
pairs were compared, and for each that differs: the column, the type, MLflow's answer and ours.
"""

import datetime as dt
import io
import itertools
import json
import logging
import os
import sys
import warnings
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from mlflow.models.utils import _enforce_schema
from mlflow.types.schema import AnyType, Array, ColSpec, DataType, Map, Object, Property, Schema, TensorSpec

sys.path.insert(0, sys.argv[1])
from lading_runtime.schema.description import describe_fields
from lading_runtime.schema.signature import read_signature
from lading_runtime.worker.columnar import build_columnar
from lading_runtime.worker.problems import SchemaError

REFUSED = "refused"
NUMBERS = "int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 Int32 Int64 Float64"
TIMES = pd.Series(pd.to_datetime(["2024-01-02T00:00:01", "2024-01-03T01:02:03"]))

COLUMNS = {
    **{dtype: pd.Series([1, 2], dtype=dtype) for dtype in NUMBERS.split()},
    "bits": pd.Series([1, 0]),
    "fractions": pd.Series([1, 2.5]),
    "gaps": pd.Series([1, None]),
    "nullable gaps": pd.Series([1, None], dtype="Int64"),
    "booleans": pd.Series([True, False]),
    "booleans and null": pd.Series([True, None], dtype=object),
    "nullable booleans": pd.Series([True, None], dtype="boolean"),
    "texts": pd.Series(["a", "b"]),
    "texts and null": pd.Series(["a", None]),
    "text objects": pd.Series(["a", "b"], dtype=object),
    "base64": pd.Series(["YWJj", "ZGVm"]),
    "bytes": pd.Series([b"a", b"bc\0"]),
    "bytes and null": pd.Series([b"a", None]),
    "times": TIMES,
    "milliseconds": TIMES.astype("datetime64[ms]"),
    "times and null": TIMES.where(pd.Series([True, False])),
    "zoned times": TIMES.dt.tz_localize("Europe/Berlin"),
    "dates": pd.Series([dt.date(2024, 1, 2), dt.date(2024, 1, 3)]),
    "decimals": pd.Series([Decimal("1.5"), Decimal("2.25")]),
    "categories": pd.Series(["a", "b"], dtype="category"),
    "durations": pd.Series(pd.to_timedelta(["1s", "2s"])),
    "nulls": pd.Series([None, None]),
    "no integers": pd.Series([], dtype="int64"),
    "no objects": pd.Series([], dtype=object),
    "lists of integers": pd.Series([[1, 2], [3]]),
    "lists of bits": pd.Series([[1, 0], [1]]),
    "lists of floats": pd.Series([[1.0, 2.5], [3.0]]),
    "lists of equal length": pd.Series([[1.0, 2.5], [3.0, 4.5]]),
    "lists of gaps": pd.Series([[1.0, None], [3.0]]),
    "lists of texts": pd.Series([["a", "b"], ["c"]]),
    "lists of texts and null": pd.Series([["a", None], ["c"]]),
    "lists of booleans": pd.Series([[True], [False]]),
    "lists of bytes": pd.Series([[b"a"], [b"b"]]),
    "lists of times": pd.Series([[dt.datetime(2024, 1, 2)], [dt.datetime(2024, 1, 3)]]),  # noqa: DTZ001 - naive
    "lists of lists": pd.Series([[[1.0], [2.0]], [[3.0], [4.0]]]),
    "lists of objects": pd.Series([[{"p": 1.5, "q": "x"}], [{"p": 2.5, "q": None}]]),
    "lists and null": pd.Series([[1, 2], None]),
    "empty lists": pd.Series([[], [1.5]]),
    "objects": pd.Series([{"p": 1.5, "q": "x"}, {"p": 2.5, "q": None}]),
    "objects of integers": pd.Series([{"p": 1, "q": "x"}, {"p": 2, "q": "y"}]),
    "objects without q": pd.Series([{"p": 1.5}, {"p": 2.5}]),
    "objects with z": pd.Series([{"p": 1.5, "q": "x", "z": 1}, {"p": 2.5, "q": "y", "z": 2}]),
    "objects without p": pd.Series([{"p": None, "q": "x"}, {"p": 2.5, "q": None}]),
    "objects and null": pd.Series([{"p": 1.5, "q": "x"}, None]),
}

POINT = Object([Property("p", DataType.double), Property("q", DataType.string, required=False)])
TYPES = [
    *DataType,
    *(Array(kind) for kind in DataType),
    *(Array(Array(DataType.double)), POINT, Array(POINT)),
    *(Map(DataType.double), Map(AnyType()), AnyType(), Array(AnyType())),
]
DTYPES = ("float32", "int64", "bool", "object")
SHAPES = ((-1,), (-1, 1), (-1, 2), (2,), (-1, -1))


def frames_and_schemas() -> Iterator[tuple[str, pd.DataFrame, Schema]]:
    """Yield everything that is compared."""
    for name, column in COLUMNS.items():
        one, two = pd.DataFrame({"x": column}), pd.DataFrame({"x": column, "y": column})
        for kind in TYPES:
            yield name, one, Schema([ColSpec(kind, "x")])
            yield name, one, Schema([ColSpec(kind, "x", required=False)])
            yield name, two, Schema([ColSpec(kind)])
        for dtype, shape in itertools.product(DTYPES, SHAPES):
            yield name, two, Schema([TensorSpec(np.dtype(dtype), shape, "x")])
            yield name, one, Schema([TensorSpec(np.dtype(dtype), shape)])
            yield name, two, Schema([TensorSpec(np.dtype(dtype), shape)])


def shown(value: Any) -> Any:
    """Return *value* with the types of everything in it."""
    if isinstance(value, pd.DataFrame):
        columns = [
            [str(dtype), shown(value.iloc[:, n].tolist())] for n, dtype in enumerate(map(str, value.dtypes))
        ]
        return [list(value.columns), list(value.index), columns]
    if isinstance(value, np.ndarray):
        return [str(value.dtype), list(value.shape), shown(value.tolist())]
    if isinstance(value, dict):
        return {name: shown(item) for name, item in value.items()}
    return [shown(item) for item in value] if isinstance(value, list) else f"{type(value).__name__} {value!r}"


def of_mlflow(parquet: bytes, schema: Schema) -> Any:
    """Return what MLflow gives its model."""
    try:
        return shown(_enforce_schema(pd.read_parquet(io.BytesIO(parquet)), schema))
    except Exception:  # noqa: BLE001 - all of them are answered alike
        return REFUSED


def of_ours(parquet: bytes, schema: Schema) -> Any:
    """Return what Lading gives it."""
    signature = read_signature({"signature": {"inputs": schema.to_json()}})
    assert signature is not None
    node = {"format": "parquet", "buffer": 0, "fields": json.loads(json.dumps(describe_fields(signature)))}
    try:
        return shown(build_columnar(node, [bytearray(parquet)]))
    except SchemaError:
        return REFUSED


def name_of(spec: dict[str, Any]) -> str:
    """Return how the type of a field is called."""
    if spec["type"] == "array":
        return f"array of {name_of(spec['items'])}"
    return str(spec["tensor-spec"]["dtype"] if spec["type"] == "tensor" else spec["type"])


def main() -> None:
    """Compare, and print what differs."""
    warnings.simplefilter("ignore")
    logging.disable()
    count, differences = 0, []
    for name, frame, schema in frames_and_schemas():
        parquet = frame.astype(
            {column: "float32" for column in frame if frame[column].dtype == "float16"}
        ).to_parquet()
        theirs, ours = of_mlflow(parquet, schema), of_ours(parquet, schema)
        count += 1
        if theirs != ours:
            kind = name_of(schema.to_dict()[0])
            differences.append([name, kind, theirs, ours])
    sys.stdout.write(json.dumps([count, differences]))


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    # Threads of Arrow that have read parquet may abort an interpreter that ends (apache/arrow#34314).
    os._exit(0)
