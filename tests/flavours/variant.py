"""What is saved for a flavour, and what it is asked."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.flavours.packing import pack


@dataclass(frozen=True)
class Variant:
    """One way in which MLflow has written models of a flavour."""

    save: Callable[[Path], None]
    """Writes a model folder."""

    inputs: tuple[Any, ...]
    """What is predicted from, each alone or as a pair of data and params."""

    bodies: tuple[Any, ...] = ()
    """What is posted to ``/invocations``, beside the model's own example."""

    loader: str | None = None
    """The loader module that our loader finds named, where today's MLflow has it under another name."""

    def requests(self) -> list[tuple[Any, Any]]:
        """Return the inputs packed, each with params or None."""
        pairs = (entry if isinstance(entry, tuple) else (entry, None) for entry in self.inputs)
        return [(pack(data), params) for data, params in pairs]


def forget(folder: Path, flavour: str, *keys: str) -> None:
    """Take *keys* of *flavour* out of the ``MLmodel`` in *folder*, which old versions did not write."""
    change(folder, flavour, **dict.fromkeys(keys))


def change(folder: Path, flavour: str, **values: Any) -> None:
    """Set *values* of *flavour* in the ``MLmodel`` in *folder*; None takes a key out."""
    file = folder / "MLmodel"
    mlmodel = yaml.safe_load(file.read_text())
    changed = {**mlmodel["flavors"].get(flavour, {}), **values}
    mlmodel["flavors"][flavour] = {key: value for key, value in changed.items() if value is not None}
    file.write_text(yaml.safe_dump(mlmodel))
