"""Small bodies that ask for more memory than there is."""

import json

import pytest
from lading_runtime.errors import MalformedBody
from lading_runtime.protocol.decode import decode
from lading_runtime.schema.signature import read_signature

NAMES = [f"k{number}" for number in range(20_000)]
ROWS = [{name: 1} for name in NAMES]
FRAMES = {
    "records": {"dataframe_records": ROWS},
    "rows of lists": {"dataframe_split": {"data": [[] for _ in NAMES] + [NAMES]}},
    "rows of objects": {"dataframe_split": {"data": ROWS}},
    "columns of empty objects": {"dataframe_split": {"data": [{} for _ in NAMES], "columns": NAMES}},
    "columns without data": {"dataframe_split": {"data": {"k0": NAMES}, "columns": NAMES}},
    "labels without data": {"dataframe_split": {"data": {}, "columns": NAMES, "index": NAMES}},
}
ONLY_PANDAS = {
    "one value": {"dataframe_split": {"data": 5, "columns": NAMES, "index": NAMES}},
    "objects of objects": {"dataframe_split": {"data": dict(zip(NAMES, ROWS, strict=True))}},
    "a value per column": {"dataframe_split": {"data": dict.fromkeys(NAMES, 1), "index": NAMES}},
}
VALUES = {
    "instances": {"instances": ROWS},
    "inputs": {"inputs": ROWS},
    "repeated values": {"inputs": {"a": NAMES, **dict.fromkeys(NAMES, "x")}},
}


def signed(*types):
    """A signature of optional columns."""
    inputs = [
        {"type": kind, "name": name, "required": False} for kind, name in zip(types, "abc", strict=False)
    ]
    return read_signature({"signature": {"inputs": json.dumps(inputs)}} if inputs else {})


@pytest.mark.parametrize("body", [*FRAMES.values(), *VALUES.values()], ids=[*FRAMES, *VALUES])
def test_a_body_whose_rows_have_nothing_in_common_is_refused(body):
    """A megabyte that says a table of four hundred million cells gets an error, not the table."""
    with pytest.raises(MalformedBody, match="too different"):
        decode(json.dumps(body).encode(), None, signed("string", "double"))


@pytest.mark.parametrize("body", [*FRAMES.values(), *ONLY_PANDAS.values()], ids=[*FRAMES, *ONLY_PANDAS])
def test_so_is_one_that_pandas_would_read(body):
    """Without a signature, the model's pandas would make that table."""
    with pytest.raises(MalformedBody, match="too different"):
        decode(json.dumps(body).encode(), None, signed())


@pytest.mark.parametrize("types", [(), ("string", "double")], ids=["unsigned", "signed"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_so_is_a_csv_of_short_rows(types, ending):
    """Rows of one cell below twenty thousand columns are refused, whatever ends a line."""
    text = ending.join([",".join(NAMES), *NAMES])

    with pytest.raises(MalformedBody, match="too different"):
        decode(text.encode(), "text/csv", signed(*types))


def test_sparse_rows_are_read():
    """Records of five of a hundred columns are a table like any other."""
    rows = [{"a": 1.0, **{f"k{(row + place) % 100}": "x" for place in range(5)}} for row in range(2000)]
    body = json.dumps({"dataframe_records": rows}).encode()

    assert decode(body, None, signed("double")).data["kind"] == "table"
    assert decode(body, None, signed()).data["kind"] == "pandas"
