"""From a reference to the place of its files, by asking stores; nothing is downloaded here.

runs:/<id>/<path>   the run's artifacts at <path>, and the logged model of the first segment's name
models:/<name>/…    a version, found by number, stage or alias; what it was registered from is followed
models:/m-<id>      a logged model
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Protocol

from lading.errors import ModelNotFound, TrackingServerError
from lading.models.address import joined, shown
from lading.models.store import LoggedRecord, ModelStore, RegisteredModel, RegisteredVersion
from lading.reference import (
    AliasedModel,
    LoggedModel,
    RunModel,
    StagedModel,
    VersionedModel,
    parse_model_ref,
)

RecordedModel = RunModel | VersionedModel | AliasedModel | StagedModel | LoggedModel
"""References that only a store can follow."""

_MAX_HOPS = 8
"""A version may be registered from another version, and so on, but not for ever."""


class Stores(Protocol):
    """Where to ask; MLflow lets the registry be another store than the one of runs."""

    @property
    def tracking(self) -> ModelStore:
        """Runs and logged models."""
        ...

    @property
    def registry(self) -> ModelStore:
        """Registered models."""
        ...


@dataclass(frozen=True, slots=True)
class Found:
    """Where a model is."""

    uris: tuple[str, ...]
    """Folders of files. Where two have the same file, that of the later one counts."""

    run_id: str | None = None
    model_id: str | None = None
    name: str | None = None
    version: int | None = None

    run_artifacts: str | None = None
    """The root of the run's artifacts, for a hint at what is there."""

    siblings: tuple[str, ...] = ()
    """Names of models that the run logged, for a hint."""


def find(ref: RecordedModel, stores: Stores) -> Found:
    """Return where the model that *ref* names is.

    Raises:
        ModelNotFound: there is no such run, model, version or alias; says what there is.
        TrackingServerError: a store cannot be reached, refuses, or answers nonsense.
    """
    return _find(ref, stores, _MAX_HOPS)


def _find(ref: RecordedModel, stores: Stores, hops: int) -> Found:
    match ref:
        case RunModel():
            return _of_run(ref, stores.tracking)
        case LoggedModel(model_id=model_id):
            return _of_logged(_logged(model_id, stores.tracking))
        case VersionedModel() | AliasedModel() | StagedModel():
            return _of_version(_version(ref, stores.registry.registered_model(ref.name)), stores, hops)


def _of_run(ref: RunModel, store: ModelStore) -> Found:
    run = store.run(ref.run_id)
    logged = store.logged_models(run)
    name, _, rest = ref.path.partition("/")
    uris = [joined(run.artifact_uri, ref.path)]
    newest = next((model for model in logged if model.name == name), None)
    if newest is not None:
        uris.append(joined(newest.artifact_uri, rest))
    return Found(
        tuple(uris),
        run_id=run.id,
        model_id=newest.id if newest else None,
        run_artifacts=run.artifact_uri,
        siblings=tuple(dict.fromkeys(model.name for model in logged)),
    )


def _logged(model_id: str, store: ModelStore) -> LoggedRecord:
    try:
        return store.logged_model(model_id)
    except ModelNotFound as missing:
        if missing.hint is None and not model_id.startswith("m-"):
            missing.hint = f"for a registered model write models:/{model_id}/latest"
        raise


def _of_logged(record: LoggedRecord) -> Found:
    return Found((record.artifact_uri,), run_id=record.run_id, model_id=record.id)


def _of_version(version: RegisteredVersion, stores: Stores, hops: int) -> Found:
    if hops == 0:
        raise TrackingServerError(
            f"version {version.number} of model {version.name!r} is registered from itself"
        )
    location = stores.registry.location(version)
    source = _recorded(location) or _recorded(version.source)
    found = Found((location,), run_id=version.run_id)
    if isinstance(source, LoggedModel):
        found = replace(found, model_id=source.model_id)
    followed = _recorded(location)
    if followed is not None:
        found = _find(followed, stores, hops - 1)
    return replace(found, name=version.name, version=version.number, run_id=found.run_id or version.run_id)


def _recorded(uri: str) -> RecordedModel | None:
    """Return the reference that *uri* writes if a store must follow it."""
    if not uri.startswith(("models:", "runs:")):
        return None
    ref = parse_model_ref(uri)
    return ref if isinstance(ref, RecordedModel) else None


def _version(ref: VersionedModel | AliasedModel | StagedModel, model: RegisteredModel) -> RegisteredVersion:
    match ref:
        case VersionedModel(version=None):
            return _newest(model.versions, f"model {model.name!r} has no versions")
        case VersionedModel(version=number):
            return _numbered(model, number)
        # MLflow keeps the alias "latest" for the highest version.
        case AliasedModel(alias=alias) if alias.lower() == "latest":
            return _newest(model.versions, f"model {model.name!r} has no versions")
        case AliasedModel(alias=alias):
            if alias not in model.aliases:
                raise ModelNotFound(
                    f"model {model.name!r} has no alias {alias!r}",
                    hint=_has("alias", "aliases", sorted(model.aliases)),
                )
            return _numbered(model, model.aliases[alias])
        case StagedModel(stage=stage):
            staged = [version for version in model.versions if (version.stage or "").lower() == stage.lower()]
            stages = {version.stage for version in model.versions if version.stage not in {None, "None"}}
            return _newest(
                staged,
                f"model {model.name!r} has no version in stage {stage!r}",
                hint=_has("stage", "stages", sorted(str(found) for found in stages)),
            )


def _newest(
    versions: Iterable[RegisteredVersion], problem: str, *, hint: str | None = None
) -> RegisteredVersion:
    newest = max(versions, key=lambda version: version.number, default=None)
    if newest is None:
        raise ModelNotFound(problem, hint=hint)
    return newest


def _numbered(model: RegisteredModel, number: int | None) -> RegisteredVersion:
    for version in model.versions:
        if version.number == number:
            return version
    numbers = [version.number for version in model.versions]
    raise ModelNotFound(
        f"model {model.name!r} has no version {number}", hint=_has("version", "versions", numbers[-10:])
    )


def _has(one: str, many: str, things: Iterable[object]) -> str:
    """Return a hint at what there is."""
    shown_things = [repr(thing) if isinstance(thing, str) else str(thing) for thing in things]
    if not shown_things:
        return f"it has no {many}"
    return f"it has {one if len(shown_things) == 1 else many} {', '.join(shown_things)}"


def not_there(ref: object, found: Found, models: Iterable[str]) -> ModelNotFound:
    """Return the error for a place that holds no files.

    Args:
        ref: what the user asked for.
        found: where it should have been.
        models: names of models that are there instead.
    """
    names = sorted({*models, *found.siblings})
    if found.run_artifacts is not None:
        hint = _has("model", "models", names)
        return ModelNotFound(f"run {found.run_id!r} has no model at {_path(ref)!r}", hint=hint)
    return ModelNotFound(
        f"there are no files of {ref} at {shown(found.uris[-1])}",
        hint=_has("model", "models", names) if names else None,
    )


def _path(ref: object) -> str:
    return ref.path if isinstance(ref, RunModel) else str(ref)
