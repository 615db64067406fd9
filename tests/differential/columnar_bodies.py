"""Parquet and Arrow bodies of data frames that models of the conformance suite take, or do not.

    python -m tests.differential.columnar_bodies

Runs in MLflow's environment. Writes a JSON list of content types and bodies in base64.
"""

import base64
import io
import json
import sys
from collections.abc import Iterator
from importlib import import_module

import pandas as pd

pa = import_module("pyarrow")  # which only MLflow's environment has

FRAMES = (
    pd.DataFrame({name: [1.5, 2.5] for name in ("a", "b", "x")}),
    pd.DataFrame(
        {"s": ["a", None], "when": pd.to_datetime(["2024-01-02", "2024-01-03"]), "y": [True, False]}
    ),
    pd.DataFrame({"arr": [[1, 2], [3]], "obj": [{"k": 1}, {"k": 2}], "bytes": [b"a", b"\0"]}),
    pd.DataFrame(
        {f"{part} {side} (cm)": [1.0] * 300 for part in ("sepal", "petal") for side in ("length", "width")}
    ),
)


def bodies(frame: pd.DataFrame) -> Iterator[tuple[str, bytes]]:
    """Yield *frame* in each columnar format, with its content type."""
    parquet = io.BytesIO()
    frame.to_parquet(parquet)
    yield "application/vnd.apache.parquet", parquet.getvalue()
    table = pa.Table.from_pandas(frame)
    openers = {"stream": pa.ipc.new_stream, "file": pa.ipc.new_file}
    for name, opener in openers.items():
        sink = io.BytesIO()
        with opener(sink, table.schema) as writer:
            writer.write_table(table)
        yield f"application/vnd.apache.arrow.{name}", sink.getvalue()


if __name__ == "__main__":
    made = [(name, base64.b64encode(body).decode()) for frame in FRAMES for name, body in bodies(frame)]
    sys.stdout.write(json.dumps(made))
