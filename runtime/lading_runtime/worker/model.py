"""A model folder before it is loaded, and what a loader makes of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, Optional, Sequence

Params = Optional[Dict[str, Any]]


class Unloadable(Exception):
    """The model cannot be loaded here; the message says why and what to do."""


@dataclass(frozen=True)
class ModelFolder:
    """An MLflow model on disk."""

    path: Path

    mlmodel: dict[str, Any]
    """The content of its ``MLmodel``."""

    @property
    def flavours(self) -> dict[str, dict[str, Any]]:
        """What ``MLmodel`` says per flavour."""
        return dict(self.mlmodel.get("flavors") or {})

    @property
    def python_function(self) -> dict[str, Any]:
        """What ``MLmodel`` says about loading the model in Python.

        Raises:
            Unloadable: nothing.
        """
        flavour = self.flavours.get("python_function")
        if not flavour:
            raise Unloadable("the model has no python_function flavour, so nothing says how it predicts")
        return flavour

    @property
    def loader_module(self) -> str:
        """The module whose ``_load_pyfunc`` loads the model.

        Raises:
            Unloadable: none is named.
        """
        name = self.python_function.get("loader_module")
        if not name:
            raise Unloadable("the model's python_function flavour names no loader_module")
        return str(name)


Predict = Callable[[Any, Params], Any]
"""From data and params to a prediction."""


@dataclass(frozen=True)
class ArrayPredictor:
    """Predicts from the cells of a table as from the data frame that has its columns, too."""

    accepts: Callable[[Sequence[Any]], bool]
    """Tells whether columns of one dtype and these names may come as a bare array."""

    predict: Predict


@dataclass(frozen=True)
class LoadedModel:
    """A model that can predict."""

    loader: str
    """What loaded it: "sklearn" or "python_function"."""

    predict: Predict

    predict_stream: Callable[[Any, Params], Iterable[Any]] | None = None
    """Gives the parts of an answer, for models that say so in ``MLmodel``."""

    of_arrays: ArrayPredictor | None = None
    """For tables, if it makes no difference to the model that they come without their columns."""

    is_forkable: bool = True
    """Whether the loader knows of no reason why a fork of this process could not predict."""
