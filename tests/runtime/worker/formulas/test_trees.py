"""Forests, where they are not as in ``test_choice.py``."""

from types import SimpleNamespace

import numpy as np
import pytest
from lading_runtime.worker.formulas.trees import MAX_ALONE, mean


@pytest.mark.parametrize(("jobs", "is_left"), [(None, False), (1, False), (2, True), (-1, True)])
def test_many_rows_are_left_to_a_forest_that_has_threads(jobs, is_left):
    """They take less time than a loop then; a forest without threads has nothing better."""
    leaves = [lambda rows: np.ones((len(rows), 1))] * 4
    formula = mean(SimpleNamespace(n_jobs=jobs), leaves, 1)
    enough, many = np.zeros((MAX_ALONE // 4, 1)), np.zeros((MAX_ALONE // 4 + 1, 1))

    assert formula(enough) is not None
    assert (formula(many) is None) is is_left
