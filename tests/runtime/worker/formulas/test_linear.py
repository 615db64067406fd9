"""Linear models, where they are not as in ``test_choice.py``."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest
from lading_runtime.worker.formulas.linear import MAX_WEIGHTS, probabilities, values


@pytest.fixture(autouse=True)
def scipy(monkeypatch):
    """SciPy, which scikit-learn brings, as far as a formula is only made."""
    monkeypatch.setitem(sys.modules, "scipy.special", SimpleNamespace(expit=None))


def logistic(classes, **said):
    """Return what is known of a logistic regression of so many *classes*."""
    weights = np.ones((1 if classes == 2 else classes, 3))
    return SimpleNamespace(
        coef_=weights, intercept_=np.zeros(len(weights)), classes_=np.arange(classes), solver="lbfgs", **said
    )


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize(
    ("said", "is_known"),
    [
        ({}, True),
        ({"multi_class": "auto"}, True),
        ({"multi_class": "deprecated"}, True),
        ({"multi_class": "multinomial"}, False),
        ({"multi_class": "ovr"}, False),
        ({"multi_class": "warn"}, False),
    ],
)
def test_probabilities_of_kinds_that_are_not_the_default_are_left_to_scikit_learn(classes, said, is_known):
    """Multinomial regressions of two classes and those of one against the rest have formulas of their own."""
    assert (probabilities(logistic(classes, **said)) is not None) is is_known


@pytest.mark.parametrize("solver", ["liblinear", "newton-cholesky"])
def test_solvers_of_one_against_the_rest_are_left_to_scikit_learn(solver):
    """Of two classes it makes no difference."""
    two, three = logistic(2), logistic(3)
    two.solver = three.solver = solver

    assert probabilities(two) is not None
    assert probabilities(three) is None


@pytest.mark.parametrize(("size", "is_known"), [(MAX_WEIGHTS, True), (MAX_WEIGHTS + 1, False)])
def test_large_models_have_no_formula(size, is_known):
    """To try it would take longer, and more memory, than it ever saves."""
    large = SimpleNamespace(coef_=np.zeros((1, size), "float32"), intercept_=np.zeros(1))

    assert (values(large) is not None) is is_known
