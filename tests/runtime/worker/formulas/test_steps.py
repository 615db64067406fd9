"""How estimators predict from arrays, of one that nobody knows."""

import numpy as np
import pytest
from lading_runtime.worker.formulas.choice import FORMULAS
from lading_runtime.worker.formulas.steps import in_turn


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
    predict = in_turn(estimator, [estimator], "predict")
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


def test_what_goes_wrong_with_a_formula_is_told(monkeypatch, capfd):
    """In one line of the log, without the error's text: the model is slower than it could be."""
    with_formula(monkeypatch, unmade)

    assert capfd.readouterr().err == "model host: Doubling predicts without a formula (AttributeError)\n"


def test_a_pipeline_without_formulas_is_asked_itself():
    """Not its parts: it has something to say of its own."""
    pipeline = Doubling()

    assert in_turn(pipeline, [Doubling(), Doubling()], "predict") == pipeline.predict


class Careful(Doubling):
    """An estimator that says how far it is, and uses all processors."""

    n_jobs = -1
    verbose = 1

    def predict(self, data):
        """Say nothing but what `Doubling` says, if alone and quiet."""
        assert (self.n_jobs, self.verbose) == (1, 0)
        return super().predict(data)


def test_a_formula_is_compared_with_an_estimator_that_is_alone_and_quiet(monkeypatch):
    """Threads add up in any order, and nobody wants to read how far a trial is."""
    monkeypatch.setitem(FORMULAS, (f"{Careful.__module__}.Careful", "predict"), sums(2))
    estimator = Careful()

    assert in_turn(estimator, [estimator], "predict")(ROWS).tolist() == [6, 14]
    assert (estimator.n_jobs, estimator.verbose) == (-1, 1)
