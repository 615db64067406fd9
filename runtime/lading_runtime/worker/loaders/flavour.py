"""What the native loaders ask of a model folder."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

from lading_runtime.worker.model import ModelFolder, Unloadable


def flavour_of(model: ModelFolder, name: str) -> dict[str, Any]:
    """Return what ``MLmodel`` says about the flavour *name*.

    Raises:
        Unloadable: nothing, so nobody knows how the model was saved.
    """
    flavour = model.flavours.get(name)
    if flavour is None:
        raise Unloadable(f"the model's loader is {model.loader_module!r}, but it has no flavour {name!r}")
    return flavour


def data_of(model: ModelFolder) -> Path:
    """Return the path that MLflow gives to the model's loader: its data, or the whole folder.

    Raises:
        Unloadable: it is not there.
    """
    return part_of(model, model.python_function.get("data") or ".")


def part_of(model: ModelFolder, name: Any) -> Path:
    """Return the file or folder *name* of the model.

    Raises:
        Unloadable: it is not there, or nothing names it.
    """
    path = model.path / str(name)
    if not name or not path.exists():
        raise Unloadable(f"the model's data is not in its folder: {str(name or 'data')!r}")
    return path.absolute()


def class_named(name: str) -> Any:
    """Return the class with this full name."""
    module, _, kind = name.rpartition(".")
    return getattr(importlib.import_module(module), kind)


def release_of(version: str) -> tuple[int, ...]:
    """Return the numbers of a library's version: (2, 16, 0) of "2.16.0.dev1"."""
    found = re.match(r"\d+(\.\d+)*", version)
    return tuple(int(number) for number in found.group().split(".")) if found else ()
