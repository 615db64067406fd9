"""TensorFlow models as MLflow saves them, today and before."""

from pathlib import Path
from typing import Any

import mlflow.tensorflow
import numpy as np
import pandas as pd
import tensorflow as tf
from mlflow.models import infer_signature

from tests.flavours.activations import doubled_relu
from tests.flavours.variant import Variant, change, forget

tf.keras.utils.set_random_seed(0)
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
    ARRAY.tolist(),
    ((ARRAY,), None),
    "text",
    {"a": ARRAY},
)
COLUMNS = FRAME[["a", "b"]]
TABLES = (
    COLUMNS,
    COLUMNS.set_axis(list("vwxyz")),
    FRAME,
    {"a": COLUMNS["a"].to_numpy(), "b": COLUMNS["b"].to_numpy()},
    {"a": ARRAY[:, 0], "b": ARRAY[:, 1]},
    COLUMNS.set_axis(["a", "a"], axis=1),
    ARRAY,
)


def network(activation: Any = "relu") -> Any:
    """A small network that behaves otherwise in training."""
    layers = [tf.keras.layers.Dense(4, activation), tf.keras.layers.Dropout(0.5), tf.keras.layers.Dense(2)]
    return tf.keras.Sequential([tf.keras.Input((3,)), *layers])


def pair_network() -> Any:
    """Two inputs by name."""
    left, right = tf.keras.Input((3,), name="left"), tf.keras.Input((2,), name="right")
    joined = tf.keras.layers.Concatenate()([left, right])
    return tf.keras.Model({"left": left, "right": right}, tf.keras.layers.Dense(2)(joined))


class Line(tf.Module):  # type: ignore[misc]  # TensorFlow is not where types are checked
    """A function with a variable."""

    def __init__(self) -> None:
        super().__init__()
        self.slope = tf.Variable(2.0)

    @tf.function(input_signature=[tf.TensorSpec([None, 3], tf.float32)])  # type: ignore[untyped-decorator]
    def __call__(self, x: Any) -> Any:
        """Return the values on the line."""
        return self.slope * x + 1.0


class Lines(Line):
    """Several answers by name."""

    @tf.function(input_signature=[tf.TensorSpec([None, 3], tf.float32)])  # type: ignore[untyped-decorator]
    def __call__(self, x: Any) -> Any:
        """Return the values on two lines."""
        return {"one": self.slope * x, "two": x}


class Estimator(Line):
    """Signatures as estimators had them: columns in, answers by name."""

    SPECS = tuple(tf.TensorSpec([None], tf.float64, name=name) for name in ("a", "b"))

    @tf.function(input_signature=SPECS)  # type: ignore[untyped-decorator]
    def flat(self, a: Any, b: Any) -> Any:
        """Return a number for each row."""
        return {"answer": tf.cast(self.slope, tf.float64) * a + b}

    @tf.function(input_signature=SPECS)  # type: ignore[untyped-decorator]
    def column(self, a: Any, b: Any) -> Any:
        """Return a list of one number for each row."""
        return {"answer": (a + b)[:, None]}

    @tf.function(input_signature=SPECS)  # type: ignore[untyped-decorator]
    def pairs(self, a: Any, b: Any) -> Any:
        """Return two numbers for each row."""
        return {"answer": tf.stack([a, b], axis=1)}


def save(model: Any, example: Any = ARRAY, **options: Any) -> Any:
    """How *model* is saved."""
    options = {"pip_requirements": ["tensorflow", "cloudpickle"], **options}
    return lambda folder: mlflow.tensorflow.save_model(model, str(folder), input_example=example, **options)


def save_h5_unmarked(folder: Path) -> None:
    """A Keras model of the first MLflow versions, which wrote HDF5 and said neither that nor which Keras."""
    save(network(), keras_model_kwargs={"save_format": "h5"})(folder)
    (folder / "data" / "save_format.txt").unlink()
    (folder / "data" / "keras_module.txt").unlink()
    forget(folder, "tensorflow", "model_type", "save_format", "keras_version", "data")
    change(folder, "keras", keras_module="tensorflow.keras", data="data")


def save_estimator(key: str, model_type: str | None = "tf1-estimator") -> Any:
    """How a SavedModel is saved with the ``MLmodel`` that MLflow wrote for estimators."""

    def save_in(folder: Path) -> None:
        """Save it in *folder*."""
        estimator = Estimator()
        mlflow.tensorflow.save_model(
            estimator,
            str(folder),
            signature=infer_signature({"a": ARRAY[:, 0], "b": ARRAY[:, 1]}),
            saved_model_kwargs={"signatures": {key: getattr(estimator, key)}},
            pip_requirements=["tensorflow"],
        )
        named = {"model_type": model_type, "meta_graph_tags": ["serve"], "signature_def_key": key}
        change(folder, "tensorflow", **named)

    return save_in


CUSTOM = network(doubled_relu)
VARIANTS = {
    "keras": Variant(save(network()), INPUTS),
    "keras_h5": Variant(save(network(), keras_model_kwargs={"save_format": "h5"}), INPUTS),
    "keras_h5_unmarked": Variant(save_h5_unmarked, INPUTS),
    "keras_of_mlflow_1": Variant(save_h5_unmarked, INPUTS, loader="mlflow.keras"),
    "keras_two_inputs": Variant(save(pair_network(), PAIR), (PAIR, ARRAY)),
    "custom_objects": Variant(save(CUSTOM, custom_objects={"doubled_relu": doubled_relu}), INPUTS),
    "module": Variant(save(Line(), signature=infer_signature(ARRAY)), INPUTS),
    "module_of_many": Variant(save(Lines(), signature=infer_signature(ARRAY)), INPUTS),
    "estimator": Variant(save_estimator("flat"), TABLES),
    "estimator_column": Variant(save_estimator("column"), TABLES),
    "estimator_pairs": Variant(save_estimator("pairs"), TABLES),
    "estimator_unmarked": Variant(save_estimator("flat", model_type=None), TABLES),
}
