"""The way out for stores that Lading does not read: an installed ``mlflow`` downloads the model.

Importing MLflow costs a second and more, so it is imported here only, when everything else has declined.
"""

import importlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lading.errors import ModelNotFound, TrackingServerError
from lading.models.address import scheme_of, scrubbed, shown
from lading.models.tracking import TrackingSettings
from lading.progress import Progress

_MISSING = {"RESOURCE_DOES_NOT_EXIST", "NOT_FOUND"}


def download_with_mlflow(uri: str, into: Path, settings: TrackingSettings, progress: Progress) -> Path:
    """Return a new folder below *into* with the files that MLflow finds at *uri*.

    Raises:
        TrackingServerError: mlflow is not installed or cannot reach its store; says what to install.
        ModelNotFound: there is no such model.
    """
    artifacts = _mlflow_artifacts(uri, settings)
    into.mkdir(parents=True, exist_ok=True)
    target = Path(tempfile.mkdtemp(prefix="model-", dir=into))
    try:
        with progress.transfer(shown(uri), None), _environment(settings):
            folder = artifacts.download_artifacts(artifact_uri=uri, dst_path=str(target))
    except BaseException as error:
        shutil.rmtree(target, ignore_errors=True)
        if isinstance(error, Exception):  # plug-ins of MLflow raise what they like
            raise _problem(uri, error, settings) from error
        raise
    return Path(folder)


def _mlflow_artifacts(uri: str, settings: TrackingSettings) -> Any:
    try:
        return importlib.import_module("mlflow.artifacts")
    except ImportError as error:
        place = uri if scheme_of(uri) not in {"runs", "models"} else settings.tracking_uri
        raise TrackingServerError(
            f"only mlflow can read {shown(place)}, and it is not installed",
            hint="pip install 'lading[mlflow]'",
        ) from error


@contextmanager
def _environment(settings: TrackingSettings) -> Iterator[None]:
    """Let MLflow see the settings where it reads its environment, for as long as it works."""
    wanted = {
        "MLFLOW_TRACKING_URI": settings.tracking_uri,
        "MLFLOW_REGISTRY_URI": settings.registry_uri,
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",  # progress is told once, by us
    }
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _problem(uri: str, error: Exception, settings: TrackingSettings) -> TrackingServerError | ModelNotFound:
    reason = scrubbed(str(error)) or type(error).__name__
    if getattr(error, "error_code", None) in _MISSING:
        return ModelNotFound(f"mlflow finds no {shown(uri)}: {reason}")
    return TrackingServerError(
        f"mlflow cannot read {shown(uri)} from {shown(settings.tracking_uri)}: {reason}"
    )
