"""pmdarima's forecasts, loaded without MLflow.

The reference is ``mlflow.pmdarima._load_pyfunc`` and its ``_PmdarimaModelWrapper``.
"""

from __future__ import annotations

import importlib
from typing import Any, Callable

from lading_runtime.worker.loaders.flavour import data_of, release_of
from lading_runtime.worker.loaders.serialized import read_serialized
from lading_runtime.worker.model import LoadedModel, ModelFolder
from lading_runtime.worker.refusal import Refusal

FIRST_WITH_X = (1, 8)
"""The version from which ``predict`` takes the exogenous regressors as ``X``."""


class PmdarimaLoader:
    """Loads pickled models and pipelines."""

    def load(self, model: ModelFolder) -> LoadedModel:
        """Return *model* loaded.

        Raises:
            Unloadable: reading pickles is forbidden.
        """
        forecaster = read_serialized(data_of(model), "pickle")
        pandas = importlib.import_module("pandas")
        predict = with_x(forecaster.predict)
        return LoadedModel("pmdarima", lambda data, _params: forecast(pandas, predict, data))


def with_x(predict: Callable[..., Any]) -> Callable[..., Any]:
    """Return *predict*, without the exogenous regressors for versions that do not take them."""
    if release_of(importlib.import_module("pmdarima").__version__) >= FIRST_WITH_X:
        return predict

    def without_x(**wishes: Any) -> Any:
        return predict(**{name: value for name, value in wishes.items() if name != "X"})

    return without_x


def forecast(pandas: Any, predict: Callable[..., Any], data: Any) -> Any:
    """Return a frame of as many periods as the one row of *data* asks for, with bounds if it wants them."""
    wishes = wishes_of(data)
    has_bounds = wishes.get("return_conf_int", False)
    raw = predict(
        n_periods=wishes["n_periods"],
        X=wishes.get("X"),
        return_conf_int=has_bounds,
        alpha=wishes.get("alpha", 0.05),
    )
    if not has_bounds:
        return pandas.DataFrame.from_dict({"yhat": raw})
    lower, upper = zip(*raw[1])
    return pandas.DataFrame.from_dict({"yhat": raw[0], "yhat_lower": lower, "yhat_upper": upper})


def wishes_of(data: Any) -> dict[str, Any]:
    """Return the one row of *data*.

    Raises:
        Refusal: there are more, or it does not say how many periods are wanted.
    """
    if len(data) > 1:
        raise Refusal(
            f"The provided prediction pd.DataFrame contains {len(data)} rows. Only 1 row should be supplied.",
            "INVALID_PARAMETER_VALUE",
        )
    wishes: dict[str, Any] = data.to_dict(orient="index").get(0)
    periods = wishes.get("n_periods")
    if not periods:
        raise Refusal(
            "The provided prediction configuration pd.DataFrame columns do not contain the required column"
            " `n_periods` for specifying future prediction periods to generate.",
            "INVALID_PARAMETER_VALUE",
        )
    if not isinstance(periods, int):
        raise Refusal("The provided `n_periods` value must be an integer.", "INVALID_PARAMETER_VALUE")
    return wishes
