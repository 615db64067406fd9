"""Columns of single values, from their cells to what the model is given."""

import base64
import datetime as dt
import json
import math
import struct

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as forall
from hypothesis import strategies as st
from lading_runtime.errors import MalformedBody, RequestError, SchemaViolation, UnreadableValue
from lading_runtime.protocol.decode import decode
from lading_runtime.worker.problems import PayloadError

DTYPES = {"integer": "int32", "long": "int64", "float": "float32", "double": "float64", "boolean": "bool"}
LIMITS = {"integer": 2**31, "long": 2**63}


def spoken(name, cells):
    """A body that sends cells of a column `x` in one of the formats."""
    return {
        "dataframe_split": {"dataframe_split": {"columns": ["x"], "data": [[cell] for cell in cells]}},
        "dataframe_records": {"dataframe_records": [{"x": cell} for cell in cells]},
        "instances": {"instances": [{"x": cell} for cell in cells]},
        "inputs": {"inputs": {"x": cells}},
        "rows": {"inputs": [{"x": cell} for cell in cells]},
        "list": {"inputs": cells},
    }[name]


FORMATS = ["dataframe_split", "dataframe_records", "instances", "inputs", "rows", "list"]
VALUES = FORMATS[2:]
every_format = pytest.mark.parametrize("name", FORMATS)
frames = pytest.mark.parametrize("name", FORMATS[:2])
values = pytest.mark.parametrize("name", VALUES)


@pytest.mark.parametrize("kind", ["integer", "long"])
@every_format
def test_integers_arrive_as_they_are(kind, name, given, make_columns):
    """Any integer that fits the type arrives, said as a number, an integral float, a text or a boolean."""
    top = LIMITS[kind] - 1
    frame = given(make_columns(x=kind), spoken(name, [top, -top - 1, 3.0, " 1_0 ", True]))

    assert frame["x"].tolist() == [top, -top - 1, 3, 10, 1]
    assert frame["x"].dtype == DTYPES[kind]


@pytest.mark.parametrize("kind", ["integer", "long"])
@pytest.mark.parametrize(
    "cell", [1.5, 2**63, -(2**63) - 1, 2**70, 1e30, "2.5", "", None, {}, math.nan, math.inf]
)
@every_format
def test_no_integer_is_changed_in_silence(kind, cell, name, given, make_columns):
    """What is no integer of the type's width is refused, with the column named."""
    with pytest.raises(UnreadableValue, match="'x'"):
        given(make_columns(x=kind), spoken(name, [1, cell]))


@pytest.mark.parametrize("kind", ["float", "double"])
@every_format
def test_floats_arrive_as_they_are(kind, name, given, make_columns):
    """Numbers, texts of numbers, booleans and null become floats of the type's width."""
    frame = given(make_columns(x=kind), spoken(name, [0.1, 2**40, "1e3", True, None, math.inf]))

    expected = np.array([0.1, 2**40, 1000, 1, np.nan, np.inf], DTYPES[kind])
    np.testing.assert_array_equal(frame["x"].to_numpy(), expected, strict=True)


@pytest.mark.parametrize(
    ("kind", "cell"), [("float", 1e39), ("float", "2e39"), ("double", 10**400), ("double", "")]
)
@every_format
def test_no_float_is_changed_in_silence(kind, cell, name, given, make_columns):
    """A number that would become infinite, and a text that is none, are refused with the column named."""
    with pytest.raises(UnreadableValue, match="'x'"):
        given(make_columns(x=kind), spoken(name, [cell]))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@forall(st.lists(st.tuples(st.floats(allow_nan=False), st.floats(allow_nan=False)), min_size=1))
def test_columns_of_floats_cross_bit_by_bit(make_columns, rows):
    """The buffer holds exactly the bits of the numbers that were sent, column after column."""
    body = {"dataframe_split": {"columns": ["a", "b"], "data": rows}}

    payload = decode(json.dumps(body).encode(), None, make_columns(a="double", b="double"))

    assert payload.data["kind"] == "table"
    columns = [cell for column in zip(*rows, strict=True) for cell in column]
    assert bytes(payload.buffers[0]) == struct.pack(f"={len(columns)}d", *columns)


@every_format
def test_booleans_are_what_they_say(name, given, make_columns):
    """Booleans, numbers, and the texts true and false in any case are booleans; the empty text is false."""
    frame = given(make_columns(x="boolean"), spoken(name, [True, 0, 2.5, "TRUE", "false", ""]))

    assert frame["x"].tolist() == [True, False, True, True, False, False]
    assert frame["x"].dtype == "bool"


@pytest.mark.parametrize("cell", ["maybe", "1", []])
@every_format
def test_other_texts_are_no_booleans(cell, name, given, make_columns):
    """Any other text, a list or an object is refused, where MLflow says true."""
    with pytest.raises(UnreadableValue, match="'x'"):
        given(make_columns(x="boolean"), spoken(name, [cell]))


def test_a_missing_boolean_stays_missing(given, make_columns):
    """Null stays null: NaN where pandas makes it so, None elsewhere, in `inputs` beside NumPy's booleans."""
    of = make_columns(x="boolean")

    assert given(of, spoken("dataframe_split", [True, None]))["x"].tolist() == [True, None]
    assert math.isnan(given(of, spoken("dataframe_split", [1, None]))["x"][1])
    assert given(of, spoken("inputs", [1, None]))["x"].tolist() == [np.True_, None]
    assert isinstance(given(of, spoken("inputs", [1, None]))["x"][0], np.bool_)


@frames
def test_data_frames_keep_what_is_no_text(name, given, make_columns):
    """In the data frame formats a column of texts holds whatever was sent."""
    of = make_columns(x="string")

    assert given(of, spoken(name, ["a", "b"]))["x"].dtype == pd.DataFrame({"x": ["a"]})["x"].dtype
    assert given(of, spoken(name, [1, 2**70]))["x"].tolist() == [1, 2**70]
    assert given(of, spoken(name, [[1], {"a": 1}]))["x"].tolist() == [[1], {"a": 1}]


@values
def test_inputs_say_everything_as_text(name, given, make_columns):
    """In `inputs` and `instances` every value of a column of texts is said as a text; null is kept."""
    frame = given(make_columns(x="string"), spoken(name, ["a", 1, 1.0, True, 2**70, 1e22]))

    assert frame["x"].tolist() == ["a", "1", "1.0", "True", str(2**70), "1e+22"]
    assert given(make_columns(x="string"), spoken(name, ["a", None]))["x"].isna().tolist() == [False, True]


@forall(cells=st.lists(st.binary(), min_size=1))
@every_format
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
def test_bytes_are_base64_in_every_format(name, cells, given, make_columns):
    """Bytes come as base64, with line breaks or without, in every format."""
    texts = [base64.encodebytes(cell).decode() for cell in cells]

    assert given(make_columns(x="binary"), spoken(name, texts))["x"].tolist() == cells


@pytest.mark.parametrize("cell", ["abc", "2024-01-02", "YW Jj!", 1, True, [], "é"])
@every_format
def test_what_is_no_base64_is_refused(cell, name, given, make_columns):
    """A text that is not base64, and what is no text, are refused with the column named."""
    with pytest.raises(UnreadableValue, match="'x'"):
        given(make_columns(x="binary"), spoken(name, [cell]))


def test_missing_bytes_are_known_to_inputs_only(given, make_columns):
    """Null is kept in `inputs`, and refused in the data frame formats, as MLflow does."""
    assert given(make_columns(x="binary"), spoken("inputs", ["YQ==", None]))["x"].tolist() == [b"a", None]
    with pytest.raises(UnreadableValue):
        given(make_columns(x="binary"), spoken("dataframe_split", [None]))


TIMES = st.datetimes(dt.datetime(1700, 1, 1), dt.datetime(2200, 1, 1))  # noqa: DTZ001 - zones are given
ZONES = st.timedeltas(dt.timedelta(hours=-23), dt.timedelta(hours=23)).map(
    lambda offset: dt.timezone(dt.timedelta(minutes=offset // dt.timedelta(minutes=1)))
)


@forall(time=TIMES, zone=ZONES)
@every_format
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
def test_times_with_an_offset_are_said_in_utc(name, time, zone, given, make_columns):
    """A time with an offset is the same time in UTC without one, in every format."""
    zoned = time.replace(tzinfo=zone)
    in_utc = zoned.astimezone(dt.UTC).replace(tzinfo=None)

    frame = given(make_columns(x="datetime"), spoken(name, [zoned.isoformat()]))

    assert frame["x"].tolist() == [pd.Timestamp(in_utc)]
    assert frame["x"].dtype == "datetime64[ns]"


@every_format
def test_times_are_nanoseconds(name, given, make_columns):
    """Dates, times and nanoseconds since 1970 are times; null and the empty text are none."""
    of = make_columns(x="datetime")

    assert given(of, spoken(name, ["2024-01-02", ""]))["x"].tolist() == [pd.Timestamp("2024-01-02"), pd.NaT]
    assert given(of, spoken(name, [1, None]))["x"].tolist() == [pd.Timestamp(1), pd.NaT]
    assert given(of, spoken(name, ["2024-01-02T03:04:05Z"]))["x"].dtype == "datetime64[ns]"


@pytest.mark.parametrize(
    "cell", ["12", True, {}, "1500-01-01", "2024-13-01T00:00:00Z", "0001-01-01T00:00+23:00"]
)
@every_format
def test_what_is_no_time_is_refused(cell, name, given, make_columns):
    """Short years, booleans, objects and times beyond nanoseconds are refused, with the column named."""
    with pytest.raises((RequestError, PayloadError), match="'x'"):
        given(make_columns(x="datetime"), spoken(name, [cell]))


@pytest.mark.parametrize("kind", ["integer", "double", "datetime"])
@pytest.mark.parametrize("name", ["inputs", "list", "rows", "instances"])
def test_lists_are_no_single_values(kind, name, given, make_columns):
    """Well-formed lists in a column of single values are read, but are not what the signature declares."""
    with pytest.raises(SchemaViolation, match="'x'"):
        given(make_columns(x=kind), spoken(name, [[1], [2]]))


@pytest.mark.parametrize("kind", ["integer", "float", "long"])
def test_only_doubles_can_be_absent_in_rows(kind, given, make_columns):
    """A row of `inputs` without a required number is NaN for doubles and an error for the rest."""
    body = {"inputs": [{"x": 1}, {}]}

    assert given(make_columns(x="double"), body)["x"].isna().tolist() == [False, True]
    with pytest.raises(SchemaViolation, match="'x'"):
        given(make_columns(x=kind), body)


def test_messages_repeat_no_values(given, make_columns):
    """A refusal names the column and the type, never the value."""
    with pytest.raises(MalformedBody) as refusal:
        given(make_columns(x="long"), spoken("inputs", ["hunter2"]))

    assert refusal.value.message == "column 'x' (long): a text that is no integer"
