"""pmdarima models as MLflow saves them."""

from typing import Any

import mlflow.pmdarima
import numpy as np
import pandas as pd
import pmdarima as pm
from pmdarima.pipeline import Pipeline
from pmdarima.preprocessing import BoxCoxEndogTransformer

from tests.flavours.variant import Variant

GENERATOR = np.random.default_rng(0)
DAYS = pd.Series(
    10 + GENERATOR.random(60).cumsum(), index=pd.date_range("2024-01-01", periods=60, freq="D"), name="level"
)
X = GENERATOR.random((60, 2))
WISH = pd.DataFrame({"n_periods": [4]})
WISHES = (
    WISH,
    pd.DataFrame({"n_periods": [4], "return_conf_int": [True]}),
    pd.DataFrame({"n_periods": [4], "return_conf_int": [True], "alpha": [0.2]}),
    pd.DataFrame({"n_periods": [4, 5]}),
    pd.DataFrame({"n_periods": [0]}),
    pd.DataFrame({"n_periods": [4.0]}),
    pd.DataFrame({"n_periods": ["4"]}),
    pd.DataFrame({"periods": [4]}),
    pd.DataFrame({"n_periods": [4]}, index=[7]),
)
TWO_WISHES = {"dataframe_split": {"columns": ["n_periods"], "data": [[4], [5]]}}
NO_WISH = {"dataframe_split": {"columns": ["n_periods"], "data": [[0]]}}
WITH_X = pd.DataFrame({"n_periods": [2], "X": [[[0.1, 0.2], [0.3, 0.4]]]})


def save(model: Any, example: pd.DataFrame = WISH) -> Any:
    """How *model* is saved."""
    options: dict[str, Any] = {"input_example": example, "pip_requirements": ["pmdarima"]}
    return lambda folder: mlflow.pmdarima.save_model(model, folder, **options)


PIPELINE = Pipeline([("boxcox", BoxCoxEndogTransformer()), ("arima", pm.ARIMA(order=(1, 1, 0)))])
VARIANTS = {
    "arima": Variant(save(pm.ARIMA(order=(1, 1, 0)).fit(DAYS)), WISHES, (TWO_WISHES, NO_WISH)),
    "arima_of_array": Variant(save(pm.ARIMA(order=(1, 1, 0)).fit(DAYS.to_numpy())), WISHES),
    "pipeline": Variant(save(PIPELINE.fit(DAYS)), WISHES),
    "exogenous": Variant(
        save(pm.ARIMA(order=(1, 0, 0)).fit(DAYS, X=X), WITH_X),
        (WITH_X, WITH_X.assign(return_conf_int=True), WISH),
        (TWO_WISHES,),
    ),
}
