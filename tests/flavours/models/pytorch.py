"""PyTorch modules as MLflow saves them, today and before."""

import pickle
from pathlib import Path
from typing import Any

import mlflow.pytorch
import numpy as np
import pandas as pd
import torch
from torch import nn

from tests.flavours.networks import Scaled
from tests.flavours.variant import Variant, change

torch.manual_seed(0)
FRAME = pd.DataFrame(np.random.default_rng(0).random((6, 3)), columns=["a", "b", "c"])
ARRAY = FRAME.to_numpy(dtype="float32")
IMAGES = np.random.default_rng(1).random((2, 1, 4, 4)).astype("float32")
INPUTS = (
    ARRAY,
    ARRAY[:1],
    FRAME,
    FRAME.head(2).set_axis(["x", "y"]),
    FRAME.head(0),
    FRAME.to_numpy(),
    ARRAY[:, :2],
    [[1.0, 2.0, 3.0]],
    {"a": ARRAY},
    (ARRAY, {"device": "cpu"}),
    (ARRAY, {"unknown": 1}),
)


def network() -> Any:
    """A small network that behaves otherwise in training."""
    return nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 2))


def save(module: Any, serialization_format: str, example: Any = ARRAY, **options: Any) -> Any:
    """How *module* is saved."""
    options = {"pip_requirements": ["torch", "cloudpickle"], **options}
    return lambda folder: mlflow.pytorch.save_model(
        module, folder, serialization_format=serialization_format, input_example=example, **options
    )


def save_file(folder: Path) -> None:
    """A module of the first MLflow versions, which gave the loader a file."""
    save(network(), "pickle")(folder)
    change(folder, "python_function", data="data/model.pth", config=None)


PARAMS = ((ARRAY, {"scale": 2.0}), (ARRAY, {"twice": True}), *INPUTS)
ONE_ROW = ARRAY[:1]

VARIANTS = {
    "exported": Variant(save(network().eval(), "pt2"), INPUTS),
    "exported_fixed": Variant(save(network().eval(), "pt2", ONE_ROW), (ONE_ROW, *INPUTS)),
    "pickled": Variant(save(network(), "pickle"), INPUTS),
    "pickled_by_pickle": Variant(save(network(), "pickle", pickle_module=pickle), INPUTS),
    "pickled_file": Variant(save_file, INPUTS),
    "script": Variant(save(torch.jit.script(network()), "pickle"), INPUTS),
    "trace": Variant(save(torch.jit.trace(network().eval(), torch.from_numpy(ARRAY)), "pickle"), INPUTS),
    "with_params": Variant(save(Scaled(), "pickle"), PARAMS),
    "convolution": Variant(save(nn.Conv2d(1, 2, 3), "pickle", IMAGES), (IMAGES, FRAME)),
    "one_number": Variant(save(nn.Sequential(nn.Linear(3, 1), nn.Flatten(0)), "pickle"), INPUTS),
}
