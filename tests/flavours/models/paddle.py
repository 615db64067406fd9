"""PaddlePaddle models as MLflow saves them."""

from typing import Any

import mlflow.paddle
import numpy as np
import paddle
import pandas as pd
from mlflow.models import infer_signature
from paddle.static import InputSpec

from tests.flavours.variant import Variant

paddle.seed(0)
FRAME = pd.DataFrame(np.random.default_rng(0).random((5, 3)), columns=["a", "b", "c"])
ARRAY = FRAME.to_numpy(dtype="float32")
INPUTS = (
    ARRAY,
    FRAME,
    FRAME.head(2).set_axis(["x", "y"]),
    FRAME.to_numpy(),
    ARRAY[:1],
    ARRAY[None],
    ARRAY[:, :2],
    [[1.0, 2.0, 3.0]],
    {"a": ARRAY},
)
SPEC = [InputSpec([None, 3], "float32", "x")]


def network() -> Any:
    """A small network that behaves otherwise in training."""
    return paddle.nn.Sequential(paddle.nn.Linear(3, 4), paddle.nn.Dropout(0.5), paddle.nn.Linear(4, 2))


def save(model: Any, **options: Any) -> Any:
    """How *model* is saved."""
    return lambda folder: mlflow.paddle.save_model(
        model,
        str(folder),
        signature=infer_signature(ARRAY, ARRAY[:, :2]),
        input_example=ARRAY,
        pip_requirements=["paddlepaddle"],
        **options,
    )


VARIANTS = {
    "layer": Variant(save(paddle.jit.to_static(network(), input_spec=SPEC)), INPUTS),
    "high_level": Variant(save(paddle.Model(network(), SPEC), training=False), INPUTS),
}
