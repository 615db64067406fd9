"""statsmodels results as MLflow saves them."""

from typing import Any

import mlflow.statsmodels
import numpy as np
import pandas as pd
import statsmodels.api as sm
import statsmodels.formula.api as smf
from statsmodels.tsa.api import ARIMA, ExponentialSmoothing
from statsmodels.tsa.statespace.sarimax import SARIMAX

from tests.flavours.variant import Variant

GENERATOR = np.random.default_rng(0)
FRAME = pd.DataFrame(GENERATOR.random((60, 2)), columns=["a", "b"])
TARGET = FRAME["a"] + 2 * FRAME["b"] + 0.1 * GENERATOR.random(60)
TABLE = FRAME.assign(y=TARGET, group=np.where(FRAME["a"] > 0.5, "high", "low"))
DAYS = pd.Series(
    GENERATOR.random(60).cumsum(), index=pd.date_range("2024-01-01", periods=60, freq="D"), name="level"
)
INPUTS = (FRAME.head(5), FRAME.head(3).set_axis(["x", "y", "z"]), FRAME.to_numpy()[:4], FRAME[["a"]].head(2))
SPANS = (
    pd.DataFrame({"start": [55], "end": [63]}),
    pd.DataFrame({"start": [pd.Timestamp("2024-02-25")], "end": [pd.Timestamp("2024-03-05")]}),
    pd.DataFrame({"start": ["2024-02-25"], "end": ["2024-03-05"]}),
    pd.DataFrame({"start": [55, 56], "end": [63, 64]}),
    pd.DataFrame({"start": [55]}),
    pd.DataFrame({"start": [55], "end": [63]}, index=["row"]),
    pd.DataFrame({"start": [63], "end": [55]}),
)


def save(results: Any, example: Any) -> Any:
    """How *results* are saved."""
    options: dict[str, Any] = {"input_example": example, "pip_requirements": ["statsmodels"]}
    return lambda folder: mlflow.statsmodels.save_model(results, folder, **options)


def save_lean(folder: Any) -> None:
    """Results without the data that they were fitted to."""
    mlflow.statsmodels.save_model(
        sm.OLS(TARGET, FRAME).fit(), folder, remove_data=True, pip_requirements=["statsmodels"]
    )


LOGIT = sm.GLM((TARGET > 1.5).astype(int), sm.add_constant(FRAME), family=sm.families.Binomial()).fit()
SPAN = SPANS[0]
TWO_SPANS = {"dataframe_split": {"columns": ["start", "end"], "data": [[55, 63], [56, 64]]}}

VARIANTS = {
    "ols": Variant(save(sm.OLS(TARGET, FRAME).fit(), FRAME.head(3)), INPUTS),
    "ols_of_arrays": Variant(save(sm.OLS(TARGET.to_numpy(), FRAME.to_numpy()).fit(), FRAME.head(3)), INPUTS),
    "ols_lean": Variant(save_lean, INPUTS),
    "glm": Variant(
        save(LOGIT, sm.add_constant(FRAME).head(3)), (sm.add_constant(FRAME).head(4), FRAME.head(2))
    ),
    "formula": Variant(
        save(smf.ols("y ~ a + np.log1p(b) + C(group)", TABLE).fit(), TABLE[["a", "b", "group"]].head(3)),
        (TABLE[["a", "b", "group"]].head(5), TABLE[["a", "b"]].head(2)),
    ),
    "arima": Variant(save(ARIMA(DAYS, order=(1, 1, 0)).fit(), SPAN), SPANS, (TWO_SPANS,)),
    "sarimax": Variant(save(SARIMAX(DAYS, order=(1, 0, 0)).fit(disp=False), SPAN), SPANS),
    "smoothing": Variant(save(ExponentialSmoothing(DAYS, trend="add").fit(), SPAN), SPANS),
}
