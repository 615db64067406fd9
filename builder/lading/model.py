"""A model as MLflow wrote it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lading.digest import Digest
from lading.reference import ModelRef


@dataclass(frozen=True, slots=True)
class ResolvedModel:
    """A reference that was followed to a folder on this machine."""

    ref: ModelRef
    """As the user gave it."""

    folder: Path
    """Holds ``MLmodel``."""

    run_id: str | None = None
    model_id: str | None = None
    """The ``m-…`` of MLflow 3."""

    name: str | None = None
    """In the registry."""

    version: int | None = None
    """In the registry."""


@dataclass(frozen=True, slots=True)
class Model:
    """What ``MLmodel`` says, as far as building an image needs it."""

    folder: Path

    flavours: Mapping[str, Mapping[str, object]]
    """As written, by name; always has ``python_function``."""

    mlflow_version: str | None
    run_id: str | None
    model_id: str | None

    signature: Digest | None
    """The digest of the signature's JSON; None for a model without one."""

    @property
    def loader_module(self) -> str:
        """The module that loads the model (``flavors.python_function.loader_module``)."""
        return str(self.flavours["python_function"]["loader_module"])
