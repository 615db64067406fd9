"""Boosted trees' own libraries: they, too, predict from an array as from the data frame with its columns.

To take a data frame apart, column by column, takes XGBoost two thirds and LightGBM nine tenths of the time of
a small prediction. As scikit-learn's formulas are, the two ways are compared; but by each model process when
it is first asked, since a prediction starts OpenMP's threads, which no fork survives.
"""

from __future__ import annotations

import importlib
from functools import lru_cache
from typing import Any, Sequence

from lading_runtime.worker.formulas.formula import Formula
from lading_runtime.worker.formulas.trial import MAX_FEATURES, Step, tried
from lading_runtime.worker.model import ArrayPredictor, Params, Predict

DTYPES = ("float64", "float32")
"""Integers take other ways through these libraries."""


def array_predictor(
    predict: Predict, formula: Formula, names: Sequence[str] | None, *, are_compared: bool
) -> ArrayPredictor | None:
    """Return what predicts from arrays by *formula*, where that says the same; None if it cannot.

    Args:
        predict: what is said of data frames.
        formula: what is said of arrays.
        names: of the columns that the model was fitted with.
        are_compared: whether columns of other names are refused; if not, nobody looks at their names.
    """
    if not names or len(names) > MAX_FEATURES:
        return None
    known, frame = list(names), importlib.import_module("pandas").DataFrame

    def of_frame(data: Any, params: Params = None) -> Any:
        return predict(frame(data, columns=known), params)

    @lru_cache(maxsize=1)
    def of_array() -> Step | None:
        try:
            return tried(formula, of_frame, len(known), dtypes=DTYPES)
        except Exception:  # noqa: BLE001 - it refuses columns of plain numbers, or is of an unknown version
            return None

    def accepts(columns: Sequence[Any]) -> bool:
        is_known = columns == known if are_compared else len(columns) == len(known)
        return is_known and of_array() is not None

    def predict_array(data: Any, params: Params) -> Any:
        step = of_array()
        return of_frame(data, params) if params or step is None else step(data)

    return ArrayPredictor(accepts, predict_array)
