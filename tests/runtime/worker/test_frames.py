"""Payload nodes to data frames and arrays, in the model process."""

import datetime as dt
import json
import struct
from typing import Any

import numpy as np
import pandas as pd
import pytest
from lading_runtime.worker.frames import build
from lading_runtime.worker.problems import PayloadError


def said(value):
    """A buffer of JSON text."""
    return bytearray(json.dumps(value).encode())


def test_arrays_are_views_of_their_buffers():
    """An array of numbers shares the memory that came from the socket, and can be written to."""
    buffer = bytearray(struct.pack("<4f", 1, 2, 3, 4))

    array = build({"kind": "array", "dtype": "<f4", "shape": [2, 2], "buffer": 0}, [buffer])
    array[0, 0] = 9

    assert struct.unpack("<4f", buffer) == (9, 2, 3, 4)


def test_a_table_is_a_view_of_its_buffer():
    """A frame of one dtype shares the memory that came from the socket."""
    buffer = bytearray(struct.pack("<4d", 1, 2, 3, 4))
    node = {"kind": "table", "dtype": "<f8", "names": ["a", "b"], "rows": 2, "index": ["r", "s"], "buffer": 0}

    frame = build(node, [buffer])

    pd.testing.assert_frame_equal(frame, pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]}, index=["r", "s"]))
    assert np.shares_memory(frame.to_numpy(), np.frombuffer(buffer))


def table_of(names):
    """Return a frame of one row whose columns have these names."""
    node = {"kind": "table", "dtype": "<f8", "names": names, "rows": 1, "index": None, "buffer": 0}
    return build(node, [bytearray(8 * len(names))])


def test_the_columns_of_a_table_are_labelled_as_pandas_does():
    """Names that recur, repeat or are equal to others of another type become what pandas makes of each."""
    named: list[Any] = [["a", "b"], ["b", "a"], ["a", "b"], ["a", "a"], [1, 2], [1.0, 2.0], [1, 2], ["a", 1]]
    for names in named:
        expected = pd.DataFrame(np.zeros((1, 2)), columns=names).columns

        pd.testing.assert_index_equal(table_of(names).columns, expected, exact=True)


def test_each_table_has_labels_of_its_own():
    """What a model does to the labels of its data frame is not seen in the next one."""
    first = table_of(["a", 1])
    first.columns.name = "the model's"
    second = table_of(["a", 1])

    assert second.columns.name is None
    assert not np.shares_memory(first.columns.to_numpy(), second.columns.to_numpy())


def test_a_frame_mixes_types():
    """A frame has a column of each type, in the order of its nodes, with the dtypes of pandas."""
    buffers = [bytearray(struct.pack("<2q", 1, 2)), said(["x", None]), bytearray(b"ab"), bytearray([1, 2])]
    node = {
        "kind": "frame",
        "rows": 2,
        "index": None,
        "columns": [
            {"name": "n", "type": "<i8", "buffer": 0},
            {"name": "s", "type": "text", "buffer": 1, "absent": []},
            {"name": "b", "type": "binary", "buffer": 2, "lengths": [2, -1]},
            {"name": "f", "type": "boolean", "buffer": 3, "scalars": "python", "missing": "none"},
        ],
    }

    frame = build(node, buffers)

    pd.testing.assert_frame_equal(
        frame,
        pd.DataFrame({"n": [1, 2], "s": ["x", None]}).assign(
            b=pd.Series([b"ab", None], dtype=object), f=pd.Series([True, None], dtype=object)
        ),
    )


def test_a_frame_may_have_no_columns():
    """Without columns there are no rows either: so it is in MLflow, where none of all optional ones came."""
    assert build({"kind": "frame", "rows": 3, "index": [1, 2, 3], "columns": []}, []).shape == (0, 0)


def test_values_are_given_as_they_are():
    """JSON, times, lists and dictionaries become Python's own."""
    items = [
        ["when", {"kind": "time", "value": "2024-01-02T03:04:05"}],
        ["day", {"kind": "time", "value": "2024-01-02"}],
        ["list", {"kind": "list", "items": [{"kind": "json", "buffer": 0}]}],
    ]

    assert build({"kind": "dict", "items": items}, [said({"a": None})]) == {
        "when": dt.datetime.fromisoformat("2024-01-02T03:04:05"),
        "day": dt.date(2024, 1, 2),
        "list": [{"a": None}],
    }


@pytest.mark.parametrize(
    ("node", "value"),
    [
        ({"kind": "numpy", "dtype": None, "shape": None}, [[1], [2, 3]]),
        ({"kind": "pandas"}, {"data": [1, 2], "columns": ["a", "b"]}),
        ({"kind": "pandas"}, {"data": "hunter2"}),
    ],
)
def test_what_cannot_be_made_is_the_payload_s_fault(node, value):
    """Values that no array or frame can hold are an error that repeats none of them."""
    with pytest.raises(PayloadError) as refusal:
        build({**node, "buffer": 0}, [said(value)])

    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize("by", ["pandas", "numpy"])
def test_a_bad_time_names_its_column(by):
    """A text that is no time is an error that names the column, not the text."""
    column = {"name": "t", "type": "time", "by": by, "buffer": 0}
    node = {"kind": "frame", "rows": 1, "index": None, "columns": [column]}

    with pytest.raises(PayloadError, match="'t'") as refusal:
        build(node, [said(["hunter2"])])

    assert "hunter2" not in str(refusal.value)


def test_what_is_nested_too_deep_is_the_payload_s_fault():
    """JSON that this Python cannot read is refused; the process lives on."""
    with pytest.raises(PayloadError, match="deep"):
        build({"kind": "json", "buffer": 0}, [bytearray(b"[" * 100_000 + b"]" * 100_000)])
