"""Generated signatures and requests: Lading answers as MLflow's own code, or as was decided.

Both answer the same request: MLflow's scoring application around an echo model, and Lading's decoding,
wire, frames and encoding around the same echo, in one process with the same NumPy and pandas
(`tests/differential`). What must be equal: the status, the error code and the columns that an error
blames, and exactly what reached the model. Where the conformance suite lists a deviation, its rule must
hold; where it says that a request must be read as another one, MLflow is asked that other one.
A thousand requests by default, always the same; ``--examples N`` asks for more.

Found and mended, because MLflow was right: `instances` without a signature are arrays of arrays; shapes of
object tensors were not checked; a signature of which no column came has no rows; maps, and values of any
type, are not columns of ``inputs``; objects beside columns in bare bodies; nulls for times there; which of
two errors comes first, when MLflow casts and when it enforces; lists as texts of an array, and columns of a
split frame that it does not list; numbers beside gaps in tensors of objects, and nothing but null there;
columns that appear twice, in tensors too; CSV for columns without names, with blank lines, empty names and
missing booleans, and with a quote that does not end; integers beyond 64 bits in params. Errors now name
every column that cannot be read, not only the first.

Decided, because Lading was. The rules are those of `decisions.toml`; what is refused is answered with 400:

D1  An empty list or object as a number, which pandas reads as NaN, is refused.
D2  Times that 64-bit nanoseconds do not reach are refused in ``inputs`` and ``instances``, too, where
    NumPy wraps them around, even to times of today.
D3  Numbers beyond 16-bit floats are refused like those beyond 32 bits: MLflow makes them infinite.
D4  The index of a split frame must label each row. The suite decides this for too many labels; with too
    few, MLflow drops the row. A label is a single value: lists of labels, levels to pandas, are refused.
D5  What is no base64 is refused in CSV, too, where MLflow hands the text to the model.
D6  Lists and objects as booleans or bytes are refused wherever they are, as the suite allows for columns;
    so are texts as elements of boolean tensors, and numbers as booleans in bare bodies; and both among
    the elements of lists of booleans, where MLflow takes every text for true. So are lists beside single
    values in a column that is a tensor.
D7  Bytes are base64 everywhere: also inside lists, objects and maps and in bare bodies, where MLflow
    hands the text to the model. (No rule: the echoes are compared with bytes for their texts.)
D8  CSV rows that are longer than the header are refused; pandas takes their first cells for labels and
    moves all others to another column.
D9  Columns without names take ``inputs`` and ``instances`` only if they are single values, and no
    objects. MLflow gives such a model arrays without dimensions.
D10 An object where a column belongs is refused; MLflow repeats the other values for each of its keys. So
    is a single value for a column of a split frame, which MLflow repeats for each label of the index.
D11 Rows of different kinds are refused; pandas replaces a list among objects by missing values.
D12 A year before 1000 as a param is refused, as the suite allows for columns ("12" is a date to NumPy).
D13 A list of times where one time belongs may be refused with either error code.
D14 Integers beyond their type are refused in every format; MLflow wraps them around in data frames. And
    fractions are refused for integers of any width, as the suite decides for those of 64 bits.
D15 MLflow crashes on a param that is a list of unequal lists and blames the model (``unexpected error``);
    Lading names the param.
D16 Values without names are refused if all columns have one, even if none of these is required; MLflow
    gives the model an empty frame.
D17 Missing booleans in tensors are refused: MLflow makes a null false, and true if it stands beside
    numbers in a data frame. For integers it refuses a null, too.
D18 Tables of many million cells of which most are missing are refused. (No rule: no request is as large.)
D19 Columns that appear twice are refused with either error code. If they may be anything and begin with
    null, MLflow gives the model their name as every value.
D20 Values without names are read as the first column's type, and then cast. Where that is a time, texts are
    read by the model's pandas: what is no time, and stands where a text belongs, may be refused with either
    error code. Where it is an integer, fractions are refused; MLflow cuts them off.
D21 Labels are a list; of an object pandas takes the keys.
D22 Numbers beside texts, as times in a body that is the input itself, are refused; MLflow casts them there.

Also compared loosely: nulls for booleans, texts and bytes are kept, as MLflow 3.18 does (the suite's
*also f*; the MLflow here is 3.17), and so are the texts beside them in an array, which it cuts to the width
of the first or of the null; zeros at the end of a text stay, which NumPy cuts off; the width of NumPy's
text dtypes. Where a request has two faults, each may blame another one: it is made sure that
MLflow still refuses when what Lading blames is mended, or the reverse.

Longer runs (20,000) still end at single requests with two faults, of which each blames another: a number
beyond its type in a second column where one tensor without a name belongs, for one.

MLflow answered 500 to none of a hundred thousand requests of this kind. Where it does, on a body nested
too deep to parse, Lading answers 400: `test_mutations.py`.
"""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants

from tests.differential.bodies import Request, requests
from tests.differential.judge import Judge
from tests.differential.parties import parties
from tests.differential.recorded import load_replay
from tests.differential.signatures import KINDS

SHARES = {"named columns": 0.4, "unnamed columns": 0.2, "tensors": 0.25, "no inputs": 0.15}
"""Of the examples, by kind of signature."""


@pytest.fixture(scope="module")
def judge(conformance, mlflow_python):
    """Who compares the two."""
    with parties(mlflow_python) as both:
        yield Judge(load_replay(conformance.folder), conformance.folder / "deviations.toml", both)


@pytest.fixture(autouse=True)
def nobodys_constants(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have the same requests generated whatever else is imported.

    Hypothesis tries numbers and texts from the source of all modules of this repository, so that any change
    of any of them, and any test that runs before in the same process, would make other requests.
    """
    monkeypatch.setattr(providers, "_get_local_constants", Constants)
    providers.CONSTANTS_CACHE.cache.clear()
    yield
    providers.CONSTANTS_CACHE.cache.clear()


@pytest.mark.parametrize("kind", KINDS)
def test_a_request_is_answered_as_by_mlflow_s_own_code(kind, judge, request):
    """Whatever is sent to whatever signature, the answer is MLflow's or the decided one."""
    examples = round(request.config.getoption("--examples") * SHARES[kind])

    @settings(
        max_examples=max(examples, 1),
        derandomize=True,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )
    @given(asked=requests(kind))
    def compare(asked: Request) -> None:
        assert judge.complaints(asked) == []

    compare()
