"""What a place that MLflow records runs and models in can answer.

A store knows where a model's files are, not what is in them: that is ``artifacts.py``'s part.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Run:
    """A run, as far as finding its models needs it."""

    id: str
    experiment_id: str
    artifact_uri: str


@dataclass(frozen=True, slots=True)
class LoggedRecord:
    """A logged model of MLflow 3."""

    id: str
    """The ``m-…``."""

    name: str
    artifact_uri: str
    run_id: str | None


@dataclass(frozen=True, slots=True)
class RegisteredVersion:
    """One version of a registered model."""

    name: str
    number: int
    stage: str | None
    run_id: str | None

    source: str
    """What was registered: ``models:/m-…`` in MLflow 3, ``runs:/…`` or an artifact URI before."""


@dataclass(frozen=True, slots=True)
class RegisteredModel:
    """A registered model with all of its versions."""

    name: str
    versions: tuple[RegisteredVersion, ...]
    """Oldest first, deleted ones left out."""

    aliases: Mapping[str, int]
    """Version numbers by alias."""


class ModelStore(Protocol):
    """Follows ids and names; a tracking store and a registry at once, as MLflow's are."""

    def run(self, run_id: str) -> Run:
        """Return a run.

        Raises:
            ModelNotFound: there is none of this id.
            TrackingServerError: the store cannot be reached, refuses, or answers nonsense.
        """
        ...

    def logged_models(self, run: Run) -> tuple[LoggedRecord, ...]:
        """Return the models that *run* logged, newest first; none where MLflow is older than 3."""
        ...

    def logged_model(self, model_id: str) -> LoggedRecord:
        """Return a logged model; raises ModelNotFound where there is none of this id."""
        ...

    def registered_model(self, name: str) -> RegisteredModel:
        """Return a registered model; raises ModelNotFound where there is none of this name."""
        ...

    def location(self, version: RegisteredVersion) -> str:
        """Return the URI of a version's files; may be another ``models:/`` or ``runs:/`` URI."""
        ...


def similar(name: str, names: list[str]) -> str | None:
    """Return a hint at those of *names* that the user may have meant."""
    close = get_close_matches(name, names, n=3, cutoff=0.5) or sorted(names)[:5]
    return "there is " + ", ".join(map(repr, close)) if close else "none is registered there"
