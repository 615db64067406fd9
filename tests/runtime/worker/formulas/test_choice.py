"""Estimators of the real scikit-learn, an early and a recent one, and their formulas."""

import json
import subprocess
from pathlib import Path

import lading_runtime
import numpy as np
import pytest
import uv
from lading_runtime.worker.formulas.choice import FORMULAS, in_turn

from tests.conftest import CACHE, made_once, run

FOLDER = Path(__file__).resolve().parent
RUNTIME = Path(lading_runtime.__file__).parents[1]
EARLY = FOLDER / "scikit-learn-1.2.txt"

WITHOUT_FORMULA = {"support vectors", "counts", "pair of trees", "logarithms", "begun otherwise"}
EARLY_WITHOUT_FORMULA = {"boosted, two", "boosted, three", "boosted, texts", "boosted, objects"}


@pytest.fixture(scope="module", params=["recent", "early"])
def version(request):
    """Which scikit-learn."""
    return request.param


@pytest.fixture(scope="module")
def found(version, mlflow_python):
    """Return what ``compared.py`` prints."""
    python = mlflow_python if version == "recent" else early_python()
    command = [str(python), "-W", "ignore", str(FOLDER / "compared.py"), str(RUNTIME)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def early_python():
    """Return the interpreter of an environment with an early scikit-learn."""
    with made_once(CACHE / EARLY.stem) as (folder, is_missing):
        if is_missing:
            run(uv.find_uv_bin(), "venv", "--python", "3.11", folder)
            run(uv.find_uv_bin(), "pip", "install", "--python", folder / "bin" / "python", "-r", EARLY)
    return CACHE / EARLY.stem / "bin" / "python"


def test_every_answer_is_that_of_scikit_learn(found):
    """To the bit, whatever the array's dtype, size and order of memory; and so is every refusal."""
    assert {name: each["differing"] for name, each in found.items() if each["differing"]} == {}


def test_formulas_answer_for_those_who_have_one(found, version):
    """Nothing is called of what scikit-learn does around its arithmetic; the others predict as ever."""
    without = WITHOUT_FORMULA if version == "recent" else WITHOUT_FORMULA | EARLY_WITHOUT_FORMULA

    assert {name for name, each in found.items() if each["checks"]} == without


class Doubling:
    """An estimator that nobody knows, and what it is asked."""

    n_features_in_ = 2

    def __init__(self):
        """Be asked nothing yet."""
        self.asked = []

    def predict(self, data):
        """Return twice the sum of each row."""
        self.asked.append(data)
        return data.sum(axis=1) * 2


ROWS = np.array([[1.0, 2.0], [3.0, 4.0]])


def sums(times):
    """Return a formula of `Doubling`: so many times the sum of each row."""
    return lambda _estimator: lambda data: data.sum(axis=1) * times


def with_formula(monkeypatch, formula_of):
    """Return an estimator, and how it predicts by what *formula_of* gives of it."""
    monkeypatch.setitem(FORMULAS, (f"{Doubling.__module__}.Doubling", "predict"), formula_of)
    estimator = Doubling()
    predict = in_turn([estimator], "predict")
    estimator.asked.clear()
    return estimator, predict


def test_a_formula_that_agrees_answers(monkeypatch):
    """The estimator is not asked any more."""
    estimator, predict = with_formula(monkeypatch, sums(2))

    assert predict(ROWS).tolist() == [6, 14]
    assert not estimator.asked


def wrong(_estimator):
    """Return a formula that raises."""

    def formula(data):
        return data.nothing

    return formula


def unmade(estimator):
    """Make no formula."""
    return estimator.weights_


@pytest.mark.parametrize(
    "formula_of", [sums(3), wrong, unmade, lambda _: None], ids=["differing", "raising", "unmade", "none"]
)
def test_a_formula_that_does_not_agree_is_not_used(formula_of, monkeypatch):
    """Whether it says something else, or raises, or cannot be made of an estimator of some version."""
    estimator, predict = with_formula(monkeypatch, formula_of)

    assert predict(ROWS).tolist() == [6, 14]
    assert len(estimator.asked) == 1


@pytest.mark.parametrize(
    "rows",
    [ROWS[:0], ROWS[:, :1], ROWS.astype("float16"), ROWS.reshape(2, 2, 1)],
    ids=["none", "narrow", "half precision", "three dimensions"],
)
def test_what_was_not_tried_is_left_to_the_estimator(rows, monkeypatch):
    """No rows, another number of columns, another dtype, another number of dimensions."""
    estimator, predict = with_formula(monkeypatch, sums(2))

    predict(rows)

    assert len(estimator.asked) == 1


def test_an_estimator_that_does_not_say_how_wide_its_rows_are_has_no_formula(monkeypatch):
    """It was fitted by a scikit-learn before 0.24, or by somebody else."""
    monkeypatch.delattr(Doubling, "n_features_in_")
    estimator, predict = with_formula(monkeypatch, sums(2))

    predict(ROWS)

    assert len(estimator.asked) == 1
