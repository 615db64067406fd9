"""What formulas are made of."""

import numpy as np
import pytest
from lading_runtime.worker.formulas.formula import of_finite, then


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_are_left_to_the_estimator(number):
    """One is enough, wherever it is; the formula is not asked."""
    formula = of_finite(pytest.fail)

    assert formula(np.array([[0.0, 1.0], [number, 2.0]])) is None


def test_what_becomes_infinite_in_the_estimators_precision_counts_as_infinite():
    """scikit-learn looks at what trees compare: single precision."""
    formula = of_finite(pytest.fail, "float32")

    with np.errstate(over="ignore"):
        assert formula(np.array([[1e300]])) is None


def test_a_formula_gets_the_precision_and_the_order_that_it_needs():
    """Compiled code walks through memory as if it were in C order."""
    formula = of_finite(lambda data: (data.dtype.name, data.flags.c_contiguous, data.tolist()), "float32")

    assert formula(np.array([[1, 2], [3, 4]]).T) == ("float32", True, [[1, 3], [2, 4]])


def test_finite_numbers_whose_sum_is_not_are_finite():
    """Nothing is added up to find out."""
    formula = of_finite(len)

    assert formula(np.full((4, 4), 1e308)) == 4


def test_steps_follow_an_answer():
    """One after the other."""
    formula = then(lambda data: data + 1, lambda answer: answer * 2, str)

    assert formula(1) == "4"


def test_without_an_answer_there_are_no_steps():
    """The estimator says all of it."""
    assert then(lambda _data: None, pytest.fail)(1) is None
