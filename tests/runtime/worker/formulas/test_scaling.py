"""Scalers, where they are not as in ``test_choice.py``."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from lading_runtime.worker.formulas.scaling import max_abs, min_max, robust, standard

KNOWN: dict[Any, dict[str, Any]] = {
    standard: {"with_mean": True, "with_std": True, "mean_": np.ones(2), "scale_": np.full(2, 2.0)},
    robust: {"with_centering": True, "with_scaling": True, "center_": np.ones(2), "scale_": np.full(2, 2.0)},
    max_abs: {"scale_": np.full(2, 2.0)},
    min_max: {"scale_": np.full(2, 0.5), "min_": np.zeros(2), "feature_range": (0, 1), "clip": False},
}


@pytest.mark.parametrize("formula_of", list(KNOWN), ids=lambda each: each.__name__)
def test_what_a_scaler_is_given_stays(formula_of):
    """It computes with a copy, in double precision whatever it gets."""
    rows = np.array([[1, 2], [3, 4]])

    answer = formula_of(SimpleNamespace(copy=True, **KNOWN[formula_of]))(rows)

    assert rows.tolist() == [[1, 2], [3, 4]]
    assert answer.dtype == "float64"


@pytest.mark.parametrize("formula_of", list(KNOWN), ids=lambda each: each.__name__)
def test_a_scaler_that_may_overwrite_has_no_formula(formula_of):
    """Arrays that cannot be written to are refused by it."""
    assert formula_of(SimpleNamespace(copy=False, **KNOWN[formula_of])) is None


def test_a_scaler_that_is_bounded_in_a_later_version_has_no_formula():
    """``MaxAbsScaler`` has ``clip`` since scikit-learn 1.9."""
    assert max_abs(SimpleNamespace(copy=True, clip=True, **KNOWN[max_abs])) is None
