"""Models of tracking servers, databases, file stores and storage: found, then downloaded if need be."""

import logging
from dataclasses import replace
from pathlib import Path, PurePosixPath

from lading.errors import InvalidModel, LadingError
from lading.model import ResolvedModel
from lading.models.artifacts import ArtifactFile, ArtifactTree, LocalTree, Wanted, download
from lading.models.local import MLMODEL, checked
from lading.models.mlflow_client import download_with_mlflow
from lading.models.places import NotReadable, Places
from lading.models.resolve import Found, find, not_there
from lading.models.tracking import TrackingSettings
from lading.progress import Progress
from lading.reference import (
    AliasedModel,
    DistantModel,
    LoggedModel,
    ModelRef,
    RemoteModel,
    RunModel,
    VersionedModel,
)

logger = logging.getLogger(__name__)

Content = tuple[ArtifactTree, tuple[ArtifactFile, ...]]
"""A folder and the files in it."""


def fetch(ref: DistantModel, into: Path, settings: TrackingSettings, progress: Progress) -> ResolvedModel:
    """Return the model that *ref*, no path of this machine, names (see `lading.models.fetch`)."""
    with Places(settings) as places:
        try:
            found = Found((ref.uri,)) if isinstance(ref, RemoteModel) else find(ref, places)
            folder = _folder(ref, found, places, into, progress)
        except NotReadable as unreadable:
            logger.debug("left to mlflow", extra={"scheme": str(unreadable).partition(":")[0]})
            uri = ref.uri if isinstance(ref, RemoteModel) else str(ref)
            return checked(_known(ref, download_with_mlflow(uri, into, settings, progress)))
    return ResolvedModel(ref, folder, found.run_id, found.model_id, found.name, found.version)


def _folder(ref: ModelRef, found: Found, places: Places, into: Path, progress: Progress) -> Path:
    """Return the folder of the model that was found, downloading what is not on this machine."""
    contents = _contents(found, places)
    if not contents:
        raise places.why_missing(found.uris[-1]) or not_there(ref, found, _neighbours(found, places))
    files: Wanted = {file.path: (tree, file) for tree, files in contents for file in files}
    if MLMODEL not in files:
        raise _no_model(ref, list(files))
    match contents:
        case [(LocalTree(folder=folder), _)]:
            return folder
        case _:
            return download(files, into, progress)


def _contents(found: Found, places: Places) -> list[Content]:
    """Return those of the model's folders that hold files.

    A run's own artifacts and a logged model of the same name make up one model, and mostly one of them does
    not exist; so a problem with one counts only if the other does not help (``RunsArtifactRepository``).
    """
    contents: list[Content] = []
    problems: list[LadingError] = []
    for uri in found.uris:
        try:
            tree = places.tree(uri)
            if files := tree.files():
                contents.append((tree, files))
        except LadingError as problem:
            problems.append(problem)
    if problems and not contents:
        raise problems[-1]
    return contents


def _neighbours(found: Found, places: Places) -> set[str]:
    """Return where models are among the artifacts of a run, for a hint."""
    if found.run_artifacts is None:
        return set()
    try:
        files = places.tree(found.run_artifacts).files()
    except (LadingError, NotReadable):
        return set()
    return {str(PurePosixPath(file.path).parent) for file in files if file.path.endswith(f"/{MLMODEL}")}


def _no_model(ref: ModelRef, paths: list[str]) -> InvalidModel:
    folders = sorted(str(PurePosixPath(path).parent) for path in paths if path.endswith(f"/{MLMODEL}"))
    hint = f"a model is in its folder {folders[0]!r}" if folders else None
    return InvalidModel(f"there are files at {ref}, but no {MLMODEL}", hint=hint)


def _known(ref: ModelRef, folder: Path) -> ResolvedModel:
    """Return a model that mlflow downloaded, with what the reference itself tells."""
    model = ResolvedModel(ref, folder)
    match ref:
        case RunModel(run_id=run_id):
            return replace(model, run_id=run_id)
        case LoggedModel(model_id=model_id):
            return replace(model, model_id=model_id)
        case VersionedModel(name=name, version=version):
            return replace(model, name=name, version=version)
        case AliasedModel(name=name):
            return replace(model, name=name)
        case _:
            return model
