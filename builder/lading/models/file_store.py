"""A file store, the ``./mlruns`` folder of YAML files that MLflow kept before it kept a database.

    mlruns/<experiment>/<run>/meta.yaml                 a run, its artifacts beside
    mlruns/<experiment>/models/<m-id>/meta.yaml         a logged model, its artifacts beside
    mlruns/models/<name>/meta.yaml                      a registered model
    mlruns/models/<name>/version-<n>/meta.yaml          one version
    mlruns/models/<name>/aliases/<alias>                holds a version number

Recorded URIs are absolute, so a store that was copied or moved names folders that are gone; the same folders
of this store are taken then.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from lading.errors import ModelNotFound, TrackingServerError
from lading.models.address import local_path
from lading.models.store import LoggedRecord, RegisteredModel, RegisteredVersion, Run, similar

_META = "meta.yaml"
_MODELS = "models"
_DELETED_STAGE = "Deleted_Internal"
_LEAST_TAIL = 3
"""``<experiment>/<run>/artifacts``: fewer segments could be anything."""


@dataclass(frozen=True, slots=True)
class FileStore:
    """The runs, logged models and registered models of one folder."""

    folder: Path

    def run(self, run_id: str) -> Run:
        """Return a run; ``ModelStore`` tells the rest."""
        for meta in self._find(f"*/{_name(run_id)}/{_META}"):
            content = _content(meta)
            return Run(run_id, meta.parent.parent.name, self._present(content.get("artifact_uri"), meta))
        raise ModelNotFound(f"no run {run_id!r} in {self.folder}")

    def logged_models(self, run: Run) -> tuple[LoggedRecord, ...]:
        """Return the models that *run* logged, newest first."""
        contents = [
            (meta, _content(meta)) for meta in self._find(f"{_name(run.experiment_id)}/{_MODELS}/*/{_META}")
        ]
        mine = [(meta, content) for meta, content in contents if content.get("source_run_id") == run.id]
        newest_first = sorted(mine, key=lambda found: -int(found[1].get("creation_timestamp", 0)))
        return tuple(self._logged(meta, content) for meta, content in newest_first if _is_active(content))

    def logged_model(self, model_id: str) -> LoggedRecord:
        """Return a logged model."""
        for meta in self._find(f"*/{_MODELS}/{_name(model_id)}/{_META}"):
            if _is_active(content := _content(meta)):
                return self._logged(meta, content)
        raise ModelNotFound(f"no logged model {model_id!r} in {self.folder}")

    def registered_model(self, name: str) -> RegisteredModel:
        """Return a registered model with all of its versions."""
        folder = self.folder / _MODELS / _name(name)
        if not (folder / _META).is_file():
            names = [meta.parent.name for meta in self._find(f"{_MODELS}/*/{_META}")]
            raise ModelNotFound(f"no registered model {name!r} in {self.folder}", hint=similar(name, names))
        versions = [_version(name, _content(meta)) for meta in folder.glob(f"version-*/{_META}")]
        kept = sorted((v for v in versions if v.stage != _DELETED_STAGE), key=lambda version: version.number)
        aliases = {path.name: int(path.read_text("utf-8")) for path in (folder / "aliases").glob("*")}
        return RegisteredModel(name, tuple(kept), aliases)

    def location(self, version: RegisteredVersion) -> str:
        """Return where a version's files are: where they were stored, or what was registered."""
        content = _content(self.folder / _MODELS / _name(version.name) / f"version-{version.number}" / _META)
        return self._moved(str(content.get("storage_location") or version.source))

    def _logged(self, meta: Path, content: Mapping[str, Any]) -> LoggedRecord:
        location = self._present(content.get("artifact_location"), meta)
        return LoggedRecord(
            meta.parent.name, str(content.get("name")), location, content.get("source_run_id")
        )

    def _present(self, uri: object, meta: Path) -> str:
        """Return a record's artifacts: the very oldest stores do not record where they are."""
        return self._moved(str(uri)) if uri else str(meta.parent / "artifacts")

    def _moved(self, uri: str) -> str:
        """Return *uri*, or the same folder below this store where the recorded one is gone."""
        recorded = local_path(uri, self.folder.parent)
        if recorded is None or recorded.exists():
            return uri
        tails = (recorded.parts[start:] for start in range(1, len(recorded.parts) - _LEAST_TAIL + 1))
        candidates = (self.folder.joinpath(*tail) for tail in tails)
        return next((str(folder) for folder in candidates if folder.is_dir()), uri)

    def _find(self, pattern: str) -> Iterator[Path]:
        """Yield the files of a pattern below a store that exists."""
        if not self.folder.is_dir():
            raise TrackingServerError(
                f"there is no file store {self.folder}",
                hint="set MLFLOW_TRACKING_URI, or start in the folder that holds mlruns",
            )
        return self.folder.glob(pattern)


def _name(text: str) -> str:
    """Return an id or a name that is one segment of a path; others, and patterns, name nothing here."""
    if any(character in text for character in "/\\*?[") or text in {"", ".", ".."}:
        raise ModelNotFound(f"{text!r} is no name in a file store")
    return text


def _content(meta: Path) -> Mapping[str, Any]:
    try:
        content = yaml.safe_load(meta.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise TrackingServerError(f"the file store's {meta} cannot be read") from error
    if not isinstance(content, dict):
        raise TrackingServerError(f"the file store's {meta} holds no keys")
    return content


def _is_active(content: Mapping[str, Any]) -> bool:
    return content.get("lifecycle_stage") != "deleted"


def _version(name: str, content: Mapping[str, Any]) -> RegisteredVersion:
    stage, run_id = content.get("current_stage"), content.get("run_id")
    return RegisteredVersion(
        name=name,
        number=int(content["version"]),
        stage=None if stage is None else str(stage),
        run_id=str(run_id) if run_id else None,
        source=str(content.get("source", "")),
    )
