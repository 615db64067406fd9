"""What the real scikit-learn asks of the real narwhals, and what it is told."""

import json
import subprocess
import sys
from pathlib import Path

import lading_runtime
import pytest
from lading_runtime.worker.loaders.frame_questions import ASKED, answer_for_arrays

RUNTIME = Path(lading_runtime.__file__).parents[1]

SCRIPT = """
import json, sys
sys.path.append(sys.argv[1])
import narwhals.stable.v2 as nw
import numpy as np, pandas as pd
from narwhals import plugins
from sklearn.linear_model import LinearRegression
from lading_runtime.worker.loaders.frame_questions import answer_for_arrays

class Claiming(np.ndarray):
    def __narwhals_dataframe__(self):
        return self

cells = np.array([[1.0, 2.0], [3.0, 5.0]])
frame = pd.DataFrame(cells, columns=["a", "b"])
things = [cells, cells.view(Claiming), np.matrix(cells), np.ndarray, frame, frame["a"], nw.from_native(frame),
          [[1.0]], None]

def answers():
    asked = nw.dependencies.is_into_dataframe, nw.dependencies.is_into_series
    return [[bool(question(thing)) for thing in things] for question in asked]

def questions():
    asked = []
    real = plugins.is_native_dataframe  # the last that narwhals looks at
    plugins.is_native_dataframe = lambda thing: asked.append(type(thing)) or real(thing)
    LinearRegression().fit(cells, [1.0, 2.0]).predict(cells)
    plugins.is_native_dataframe = real
    return asked.count(np.ndarray)

before, asked_before = answers(), questions()
answer_for_arrays()
print(json.dumps([before, answers(), asked_before, questions()]))
"""


@pytest.fixture(scope="module")
def said(mlflow_python):
    """Return the answers before and after, and how often a call has narwhals look at an array."""
    command = [str(mlflow_python), "-c", SCRIPT, str(RUNTIME)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_answers_are_the_same(said):
    """Arrays, subclasses that claim to be data frames, classes, data frames, series: as narwhals says."""
    before, after, _, _ = said

    assert after == before
    assert before[0] == [False, True, False, False, True, False, True, False, False]


def test_scikit_learn_does_not_have_arrays_looked_at(said):
    """scikit-learn still asks, and is answered at once."""
    _, _, asked_before, asked_after = said

    assert asked_before
    assert not asked_after


def test_where_narwhals_is_not_nothing_happens():
    """Earlier versions of scikit-learn do not have it."""
    assert ASKED not in sys.modules

    answer_for_arrays()


def test_a_question_that_is_asked_in_another_way_stays(mlflow_python):
    """A later narwhals may want more than the thing, or not say yes or no: then it is asked as it was."""
    script = """
import sys
sys.path.append(sys.argv[1])
from lading_runtime.worker.loaders.frame_questions import answering

def wants_more(thing, *, backend): ...
def says_more(thing): return "perhaps"

assert answering(wants_more) is wants_more
assert answering(says_more) is says_more
"""
    subprocess.run([str(mlflow_python), "-c", script, str(RUNTIME)], check=True)
