"""What models are asked, in a form that any environment reads."""

from dataclasses import dataclass
from typing import Any

import pandas as pd


@dataclass(frozen=True)
class PackedFrame:
    """A frame without objects of pandas, which has other ones where pyarrow is installed."""

    names: tuple[Any, ...]
    columns: tuple[Any, ...]
    index: tuple[Any, ...] | None


def pack(data: Any) -> Any:
    """Return *data* as it can be pickled here and unpickled anywhere."""
    if not isinstance(data, pd.DataFrame):
        return data
    is_plain = data.index.equals(pd.RangeIndex(len(data)))
    columns = [data.iloc[:, position] for position in range(data.shape[1])]
    arrays = [column.to_numpy(object if column.dtype == "str" else None) for column in columns]
    return PackedFrame(tuple(data.columns), tuple(arrays), None if is_plain else tuple(data.index))


def unpack(data: Any) -> Any:
    """Return what `pack` was given."""
    if not isinstance(data, PackedFrame):
        return data
    frame = pd.DataFrame(dict(enumerate(data.columns)), index=data.index)
    frame.columns = pd.Index(data.names)
    return frame
