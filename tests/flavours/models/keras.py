"""Keras 3 models as MLflow saves them."""

from pathlib import Path
from typing import Any

import keras
import mlflow.keras
import numpy as np
import pandas as pd
from mlflow.models import ModelSignature, infer_signature
from mlflow.types import Schema, TensorSpec

from tests.flavours.variant import Variant

keras.utils.set_random_seed(0)
FRAME = pd.DataFrame(np.random.default_rng(0).random((5, 3)), columns=["a", "b", "c"])
ARRAY = FRAME.to_numpy(dtype="float32")
PAIR = {"left": ARRAY, "right": ARRAY[:, :2]}
INPUTS = (
    ARRAY,
    FRAME,
    FRAME.head(2).set_axis(["x", "y"]),
    FRAME.to_numpy(),
    ARRAY[:1],
    ARRAY[:, :2],
    [ARRAY],
    "text",
    {"x": ARRAY},
)


def network() -> Any:
    """A small network that behaves otherwise in training."""
    layers = [keras.layers.Dense(4, "relu"), keras.layers.Dropout(0.5), keras.layers.Dense(2)]
    return keras.Sequential([keras.Input((3,)), *layers])


def pair_network() -> Any:
    """Two inputs by name, two outputs in a list."""
    left, right = keras.Input((3,), name="left"), keras.Input((2,), name="right")
    joined = keras.layers.Concatenate()([left, right])
    return keras.Model({"left": left, "right": right}, keras.layers.Dense(2)(joined))


def split_network() -> Any:
    """One input, two outputs by name."""
    entry = keras.Input((3,))
    return keras.Model(entry, {"one": keras.layers.Dense(2)(entry), "two": keras.layers.Dense(1)(entry)})


def save(model: Any, example: Any = ARRAY, *, is_exported: bool = False) -> Any:
    """How *model* is saved."""
    signature = infer_signature(example, model.predict(example, verbose=0))
    if is_exported:
        signature = ModelSignature(inputs=Schema([TensorSpec(np.dtype("float32"), (-1, 3))]))

    def save_in(folder: Path) -> None:
        """Save the model in *folder*, which MLflow wants to be there if there is an example."""
        folder.mkdir()
        mlflow.keras.save_model(
            model,
            str(folder),
            save_exported_model=is_exported,
            signature=signature,
            input_example=example,
            pip_requirements=["keras", "tensorflow"],
        )

    return save_in


VARIANTS = {
    "own": Variant(save(network()), INPUTS),
    "exported": Variant(save(network(), is_exported=True), INPUTS),
    "two_inputs": Variant(save(pair_network(), PAIR), (PAIR, ARRAY)),
    "two_outputs": Variant(save(split_network()), (ARRAY, ARRAY[:0], FRAME)),
}
