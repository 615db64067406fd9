"""Predictions as JSON; the examples are those of MLflow's recorded answers."""

import base64
import datetime as dt
import decimal
import json
import math
import subprocess
import sys
from pathlib import Path

import lading_runtime
import numpy as np
import pandas as pd
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from lading_runtime.worker import encode as encode_module
from lading_runtime.worker.encode import Unserialisable, encode

RUNTIME = Path(lading_runtime.__file__).parents[1]


def said(prediction: object) -> object:
    """Return what a client reads of *prediction*; raw arrays are refused."""
    value, (buffer,) = encode(prediction)
    assert value == {"kind": "json", "buffer": 0}
    return json.loads(bytes(buffer), parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


@pytest.mark.parametrize("dtype", sorted(encode_module.RAW_DTYPES))
def test_arrays_of_numbers_leave_as_they_are(dtype):
    """An array of numbers or booleans is a buffer in C order, with its dtype and shape."""
    array = np.array([[0, 1, 0], [1, 1, 0]], dtype=dtype)
    value, (buffer,) = encode(array)

    assert value == {"kind": "array", "dtype": dtype, "shape": [2, 3], "buffer": 0}
    assert bytes(buffer) == array.tobytes()


@given(arrays.arrays(arrays.scalar_dtypes(), arrays.array_shapes(min_dims=1, max_dims=3, min_side=0)))
def test_any_array_says_what_its_list_says(array):
    """Whatever its dtype, an array reads as its list, with null for what is no finite number."""
    try:
        value, (buffer,) = encode(array)
    except Unserialisable:
        assert array.dtype.kind in "mc" or array.dtype.itemsize > 8
        return
    if value["kind"] == "array":
        assert np.frombuffer(buffer, value["dtype"]).tobytes() == array.astype(value["dtype"]).tobytes()
    else:
        assert len(json.loads(bytes(buffer))) == len(array)


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6).reshape(2, 3).T,
        np.arange(10)[::-2],
        np.arange(3, dtype=">i4"),
        np.broadcast_to(np.float32(1.5), (2, 2)),
    ],
    ids=["transposed", "backwards", "big-endian", "repeated"],
)
def test_arrays_of_any_layout_are_put_in_order(array):
    """Views, other byte orders and repeated elements arrive as what they show."""
    value, (buffer,) = encode(array)

    assert np.frombuffer(buffer, value["dtype"]).reshape(value["shape"]).tolist() == array.tolist()


@pytest.mark.parametrize(
    ("prediction", "expected"),
    [
        (np.array(["a", "b"]), ["a", "b"]),
        (np.array([b"ab", b"\xff\x00"]), ["YWI=\n", "/w==\n"]),
        (np.array(["2024-01-02T03:04:05", "NaT"], "datetime64[ns]"), [1704164645000000000, None]),
        (np.array(["2024-01-02T03:04:05"], "datetime64[s]"), ["2024-01-02T03:04:05"]),
        (np.array([1, "a", None, np.float32(1.5), b"x"], dtype=object), [1, "a", None, 1.5, "eA==\n"]),
        (np.array(3), 3),
        (np.array(math.nan), None),
        (np.float32(1.5), 1.5),
        (np.array([0.5, math.inf], "f2"), [0.5, None]),
        (np.ma.masked_array([1, 2], mask=[False, True]), [1, None]),
        (np.zeros(0, dtype=object), []),
    ],
)
def test_other_arrays_become_json(prediction, expected):
    """Texts, bytes, times, objects, scalars and masked arrays read as MLflow writes them."""
    assert said(prediction) == expected


@pytest.mark.parametrize(
    ("prediction", "expected"),
    [
        (pd.DataFrame({"a": [1, 2], "c": [1.5, math.nan]}), [{"a": 1, "c": 1.5}, {"a": 2, "c": None}]),
        (pd.DataFrame([[1, 2]]), [{"0": 1, "1": 2}]),
        (pd.DataFrame(), []),
        (
            pd.DataFrame({"t": [pd.NaT, pd.Timestamp("2024-01-01")]}),
            [{"t": "NaT"}, {"t": "2024-01-01T00:00:00"}],
        ),
        (pd.DataFrame({"I": pd.array([1, None], dtype="Int64")}), [{"I": 1}, {"I": None}]),
        (pd.DataFrame({"v": [np.array([1, 2])], "d": [{"k": np.int64(1)}]}), [{"v": [1, 2], "d": {"k": 1}}]),
        (pd.Series([1, 2], name="s"), [{"s": 1}, {"s": 2}]),
        (pd.Series([1, 2]), [{"0": 1}, {"0": 2}]),
        ([pd.NA, pd.NaT], [None, "NaT"]),
    ],
)
def test_pandas_objects_become_records(prediction, expected):
    """A data frame is a list of its rows, a series one of objects with one key; missing values are null."""
    assert said(prediction) == expected


class Answer(pydantic.BaseModel):
    """What a model of the newer kind answers."""

    text: str = "hi"
    score: float = math.nan
    at: dt.date = dt.date(2024, 1, 2)


MOMENT = dt.datetime(2024, 1, 2, 3, 4, 5)  # noqa: DTZ001 - models predict such times


@pytest.mark.parametrize(
    ("prediction", "expected"),
    [
        ([1, 2.5, "x", None, True], [1, 2.5, "x", None, True]),
        ([math.nan, math.inf, -math.inf], [None, None, None]),
        ([np.int64(1), np.array([1, 2]), np.bool_(True), np.str_("q")], [1, [1, 2], True, "q"]),
        ({"a": np.array([1.0, math.nan]), "b": [np.float64(1.5)]}, {"a": [1.0, None], "b": [1.5]}),
        ({1: 2, None: 3, False: 4, 1.5: 5}, {"1": 2, "null": 3, "false": 4, "1.5": 5}),
        ({math.inf: 1}, {"Infinity": 1}),
        ((1, (2, 3)), [1, [2, 3]]),
        ("hello \u00e9 \u2603 \ud800", "hello \u00e9 \u2603 \ud800"),
        (None, None),
        (b"abc" * 30, base64.encodebytes(b"abc" * 30).decode()),
        (bytearray(b"a"), "YQ==\n"),
        ([MOMENT, MOMENT.date(), MOMENT.time()], ["2024-01-02T03:04:05", "2024-01-02", "03:04:05"]),
        ([Answer()], [{"text": "hi", "score": None, "at": "2024-01-02"}]),
    ],
)
def test_python_objects_become_json(prediction, expected):
    """What JSON knows is written as it is, times as ISO, bytes as base64, pydantic models as their fields."""
    assert said(prediction) == expected


@pytest.mark.parametrize(
    ("prediction", "culprit"),
    [
        (decimal.Decimal("1.5"), "Decimal"),
        ({1, 2}, "set"),
        ({"a": {"b": 1j}}, "complex"),
        (np.array([1], "timedelta64[s]"), "timedelta"),
        (np.array([1 + 2j]), "complex"),
        (np.array([1], np.longdouble), "longdouble"),
        ({"df": pd.DataFrame({"a": [1]})}, "DataFrame"),
        ({(1, 2): 3}, "tuple"),
        ({np.int64(1): 2}, "numpy.int64"),
        ([math.nan, {(1,): 3}], "tuple"),
        (iter([]), "list_iterator"),
    ],
)
def test_what_mlflow_cannot_write_is_refused(prediction, culprit):
    """A prediction of another type is an error that names the type, and no value."""
    with pytest.raises(Unserialisable, match=culprit):
        encode(prediction)


def test_a_number_without_end_is_refused():
    """An integer with more digits than Python writes is an error."""
    with pytest.raises(Unserialisable, match="too long a number"):
        encode([10**5000])


def test_a_prediction_that_contains_itself_is_refused():
    """A list inside itself, or a nesting that is too deep, is an error and ends no process."""
    endless: list[object] = []
    endless.append(endless)

    with pytest.raises(Unserialisable, match="contains itself"):
        encode(endless)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda values: st.lists(values) | st.tuples(values) | st.dictionaries(st.text(), values),
)


@given(json_values)
def test_nan_and_the_infinities_become_null(prediction):
    """Every JSON value reads as itself, but NaN and the infinities, wherever they stand, as null."""
    text = json.dumps(prediction)

    assert said(prediction) == json.loads(text, parse_constant=lambda _name: None)


def test_libraries_are_not_imported_to_encode():
    """A model without NumPy, pandas and pydantic is served without them."""
    script = (
        "import sys; from lading_runtime.worker.encode import encode; encode([1.0, b'x']);"
        "print([name for name in ('numpy', 'pandas', 'pydantic') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


ORACLE = """
import io, json, sys, warnings
warnings.simplefilter("ignore")
sys.path += sys.argv[1:]
import make_models
from lading_runtime.worker.encode import encode
from mlflow.pyfunc.scoring_server import unwrapped_predictions_to_json

def mlflow_says(prediction):
    text = io.StringIO()
    unwrapped_predictions_to_json(prediction, text)
    return json.loads(text.getvalue(), parse_constant=lambda name: None)

def we_say(prediction):
    value, (buffer,) = encode(prediction)
    if value["kind"] == "array":
        array = make_models.np.frombuffer(buffer, value["dtype"]).reshape(value["shape"])
        return json.loads(json.dumps(array.tolist()), parse_constant=lambda name: None)
    return json.loads(bytes(buffer))

def outcome(say, prediction):
    try:
        return say(prediction)
    except Exception:
        return "refused"

for name, make in make_models.OUTPUTS.items():
    print(json.dumps([name, outcome(we_say, make()), outcome(mlflow_says, make())]))
"""


def test_every_probed_prediction_reads_as_mlflow_writes_it(mlflow_python, conformance):
    """For each prediction of the conformance models, we and MLflow's own function say the same."""
    command = [str(mlflow_python), "-c", ORACLE, str(conformance.folder), str(RUNTIME)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    outcomes = [json.loads(line) for line in done.stdout.splitlines()]

    assert len(outcomes) > 40
    assert [name for name, ours, mlflows in outcomes if ours != mlflows] == []
