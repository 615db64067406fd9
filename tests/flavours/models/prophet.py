"""Prophet models as MLflow saves them."""

from typing import Any

import mlflow.prophet
import numpy as np
import pandas as pd
from prophet import Prophet

from tests.flavours.variant import Variant

GENERATOR = np.random.default_rng(0)
DAYS = pd.DataFrame(
    {"ds": pd.date_range("2024-01-01", periods=90, freq="D"), "y": GENERATOR.random(90).cumsum()}
)
WITH_REGRESSOR = DAYS.assign(rain=GENERATOR.random(90))
NEXT = pd.DataFrame({"ds": pd.date_range("2024-03-28", periods=7, freq="D")})
INPUTS = (
    NEXT,
    NEXT.set_axis([f"row {number}" for number in range(7)]),
    pd.DataFrame({"ds": ["2024-04-01", "2024-04-02"]}),
    pd.DataFrame({"day": ["2024-04-01"]}),
)


def save(model: Any, example: Any) -> Any:
    """How *model* is saved."""
    options: dict[str, Any] = {"input_example": example, "pip_requirements": ["prophet"]}
    return lambda folder: mlflow.prophet.save_model(model, folder, **options)


def fitted(model: Any, frame: Any) -> Any:
    """Return *model* fitted."""
    return model.fit(frame, seed=1)


# Without samples the bounds of a forecast are not random.
PLAIN = fitted(Prophet(uncertainty_samples=0), DAYS)
RAIN = Prophet(uncertainty_samples=0, weekly_seasonality=True, seasonality_mode="multiplicative")
RAIN.add_regressor("rain")
RAIN = fitted(RAIN, WITH_REGRESSOR)

VARIANTS = {
    "plain": Variant(save(PLAIN, NEXT), INPUTS),
    "regressor": Variant(save(RAIN, NEXT.assign(rain=0.5)), (NEXT.assign(rain=0.5), NEXT)),
}
