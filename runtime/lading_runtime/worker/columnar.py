"""Bodies in columnar formats (parquet, Arrow), read by what the model's environment has for them."""

from __future__ import annotations

import io
from importlib import import_module
from typing import Any, Callable, Sequence

from lading_runtime.payload import Node
from lading_runtime.wire import Buffer
from lading_runtime.worker.allowance import bounded_growth, check_cells
from lading_runtime.worker.enforcement.columns import enforce_columns
from lading_runtime.worker.enforcement.tensors import enforce_tensors
from lading_runtime.worker.problems import FormatError, PayloadError

READERS_OF_PARQUET = "pandas with pyarrow or fastparquet"
READERS_OF_ARROW = "pandas with pyarrow"

FIRST_WITH_MAPS = 13
"""The first pyarrow that gives maps as dictionaries, and not as lists of pairs."""


def build_columnar(node: Node, buffers: Sequence[Buffer]) -> Any:
    """Return the data frame in the body that *node* describes, as its fields have it.

    Raises:
        FormatError: the model's environment lacks what reads this format.
        PayloadError: the body is not in it, or would become too large.
        SchemaError: the data frame does not fit the fields.
    """
    read, needed = _FORMATS[node["format"]]
    try:
        with bounded_growth():
            frame = read(buffers[node["buffer"]])
    except PayloadError:
        raise
    except ImportError as error:
        lack = f"the model's environment lacks what reads {node['format']}: {needed}"
        raise FormatError(f"{lack}; send JSON or CSV, or add it to the model's requirements") from error
    except Exception as error:  # whatever these libraries raise, the client sent it
        raise PayloadError(f"the body is no {node['format']} ({type(error).__name__})") from error
    fields = node["fields"]
    if fields is None:
        return frame
    return enforce_tensors(frame, fields) if "dtype" in fields[0] else enforce_columns(frame, fields)


def _read_parquet(data: Buffer) -> Any:
    check_cells(_cells_of_parquet(data))
    return import_module("pandas").read_parquet(io.BytesIO(data))


def _cells_of_parquet(data: Buffer) -> int:
    """Return how many values the footer of a parquet file tells of, by the first of pandas's engines.

    Of lists, each element counts.
    """
    try:
        parquet = import_module("pyarrow.parquet")
    except ImportError:
        file = import_module("fastparquet").ParquetFile(io.BytesIO(data))
        rows, width = file.count(), len(file.columns)
        counts = [chunk.meta_data.num_values for group in file.row_groups for chunk in group.columns]
    else:
        footer = parquet.ParquetFile(io.BytesIO(data)).metadata
        rows, width = footer.num_rows, footer.num_columns
        groups = map(footer.row_group, range(footer.num_row_groups))
        counts = [group.column(place).num_values for group in groups for place in range(group.num_columns)]
    return max(int(rows) * int(width), sum(map(int, counts)))


def _read_arrow_stream(data: Buffer) -> Any:
    ipc = import_module("pyarrow.ipc")
    return _frame_of(ipc.open_stream(import_module("pyarrow").py_buffer(data)).read_all())


def _read_arrow_file(data: Buffer) -> Any:
    ipc = import_module("pyarrow.ipc")
    return _frame_of(ipc.open_file(import_module("pyarrow").py_buffer(data)).read_all())


def _frame_of(table: Any) -> Any:
    """Return an Arrow table as a data frame; offsets that lead outside are found before they are followed."""
    import_module("pandas")
    check_cells(table.num_rows * table.num_columns)
    table.validate(full=True)
    has_maps = int(import_module("pyarrow").__version__.partition(".")[0]) >= FIRST_WITH_MAPS
    return table.to_pandas(**({"maps_as_pydicts": "strict"} if has_maps else {}))


_FORMATS: dict[str, tuple[Callable[[Buffer], Any], str]] = {
    "parquet": (_read_parquet, READERS_OF_PARQUET),
    "Arrow stream": (_read_arrow_stream, READERS_OF_ARROW),
    "Arrow file": (_read_arrow_file, READERS_OF_ARROW),
}
