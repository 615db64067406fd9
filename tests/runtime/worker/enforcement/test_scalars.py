"""A column of single values is widened to its type or refused, never narrowed."""

import datetime as dt
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from lading_runtime.worker.enforcement.misfit import Misfit
from lading_runtime.worker.enforcement.scalars import conform

NAMES = pd.Series(["a", "b"])
BYTES = pd.Series([b"a", None], dtype=object)
DAYS = pd.Series(pd.to_datetime(["2024-01-02", "2024-01-03"]))


def numbers(dtype: str, *values: float | None) -> pd.Series:
    """A column of numbers, by default some that are not all 0 or 1, or of booleans."""
    return pd.Series(list(values or (1, 0 if dtype == "boolean" else 2)), dtype=dtype)


@pytest.mark.parametrize(
    ("dtype", "kind"),
    [
        *[("int8", "integer"), ("int32", "integer"), ("int32", "long"), ("int64", "long")],
        *[("uint16", "integer"), ("uint32", "long"), ("int32", "double"), ("uint32", "double")],
        *[("float32", "float"), ("float16", "float"), ("float32", "double"), ("float64", "double")],
        *[("Int64", "long"), ("Int32", "double"), ("bool", "boolean"), ("boolean", "boolean")],
    ],
)
def test_what_is_as_wide_or_narrower_is_widened(dtype, kind):
    """A column becomes the type of its signature where that holds all values of its own."""
    widened = conform(numbers(dtype), kind)

    expected = {"integer": "int32", "long": "int64", "float": "float32", "double": "float64"}
    assert widened.dtype == expected.get(kind, "bool")
    assert widened.tolist() == numbers(dtype).tolist()


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        *[
            (numbers("int64"), kind)
            for kind in ("integer", "float", "double", "boolean", "string", "datetime")
        ],
        *[(numbers("float64"), kind) for kind in ("integer", "long", "float", "boolean", "binary")],
        *[(numbers("uint32"), "integer"), (numbers("uint64"), "long"), (numbers("int32"), "float")],
        *[(NAMES, kind) for kind in ("integer", "long", "float", "double", "boolean", "datetime")],
        *[(DAYS, kind) for kind in ("long", "double", "string")],
        *[(BYTES, kind) for kind in ("boolean", "long", "datetime")],
        (numbers("Int64", 1, None), "long"),
        (pd.Series([True, None], dtype="boolean"), "boolean"),
        (pd.Series([[1]]), "long"),
        (pd.Series([[1]]), "binary"),
        (pd.Series(["a"], dtype="category"), "string"),
        (pd.Series(pd.to_timedelta(["1s"])), "datetime"),
        (pd.Series([dt.date(1, 1, 1)]), "datetime"),
    ],
)
def test_what_could_lose_something_is_refused(values, kind):
    """A column of another kind, or a wider one, is refused, and the message repeats no value."""
    with pytest.raises(Misfit, match=f"{kind}|bytes"):
        conform(values, kind)


def test_bits_are_numbers():
    """A column of nothing but 0 and 1 may be of floats."""
    assert conform(numbers("int64", 1, 0), "double").dtype == "float64"
    assert conform(numbers("int64", 1, 0), "float").dtype == "float32"


def test_gaps_in_integers_are_explained():
    """A column of integers with missing values is one of floats to pandas; the message says so."""
    with pytest.raises(Misfit, match="missing values"):
        conform(numbers("float64", 1, np.nan), "long")


def test_decimals_are_doubles():
    """A column of decimals, which Spark makes, becomes one of doubles."""
    assert conform(pd.Series([Decimal("1.5")]), "double").tolist() == [1.5]


@pytest.mark.parametrize("values", [NAMES, pd.Series(["a", None], dtype=object), pd.Series([1, "a"])])
def test_texts_are_left_alone(values):
    """A column of texts, or of objects, is a column of strings as it is."""
    assert conform(values, "string") is values


def test_a_column_of_objects_may_be_boolean():
    """Booleans with nulls stay what they are."""
    assert conform(pd.Series([True, None], dtype=object), "boolean").tolist() == [True, None]


def test_bytes_are_bytes():
    """Bytes stay what they are, nulls too, and texts among them are base64."""
    assert conform(pd.Series([b"a\0", None, "YWJj\n"], dtype=object), "binary").tolist() == [
        b"a\0",
        None,
        b"abc",
    ]
    with pytest.raises(Misfit, match="not base64"):
        conform(NAMES, "binary")


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_times_are_nanoseconds(unit):
    """Times of any precision become nanoseconds."""
    times = pd.Series(DAYS.to_numpy().astype(f"datetime64[{unit}]"))

    assert conform(times, "datetime").dtype == "datetime64[ns]"


def test_times_with_a_zone_become_utc():
    """Times with a zone become the same times in UTC, without one."""
    (moment,) = conform(pd.Series(pd.to_datetime(["2024-01-02T00:00:00+02:00"])), "datetime")

    assert moment == pd.Timestamp("2024-01-01T22:00:00")


def test_dates_are_times():
    """Python's dates are times at midnight."""
    assert conform(pd.Series([dt.date(2024, 1, 2)]), "datetime").tolist() == [pd.Timestamp("2024-01-02")]
