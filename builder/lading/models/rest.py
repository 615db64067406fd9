"""A tracking server's records, over MLflow's REST API (https://mlflow.org/docs/latest/rest-api.html)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from lading.errors import LadingError, ModelNotFound, TrackingServerError
from lading.models.address import shown
from lading.models.server import Refusal, TrackingServer
from lading.models.store import LoggedRecord, RegisteredModel, RegisteredVersion, Run, similar

_API = "/api/2.0/mlflow"
_PAGE = 100


@dataclass(frozen=True, slots=True)
class RestStore:
    """The runs, logged models and registered models of one tracking server."""

    server: TrackingServer

    def run(self, run_id: str) -> Run:
        """Return a run; ``ModelStore`` tells the rest."""
        try:
            info = self._get("runs/get", run_id=run_id)["run"]["info"]
            return Run(run_id, str(info["experiment_id"]), info["artifact_uri"])
        except Refusal as refusal:
            raise self._missing(refusal, f"no run {run_id!r}") from refusal
        except (KeyError, TypeError) as error:
            raise self._nonsense("run") from error

    def logged_models(self, run: Run) -> tuple[LoggedRecord, ...]:
        """Return the models that *run* logged, newest first."""
        try:
            found = [_logged(model) for model in self._logged_in(run)]
            return tuple(model for model in found if model.run_id == run.id)
        except Refusal as refusal:
            if refusal.is_missing:
                return ()
            raise self._refused(refusal) from refusal
        except (KeyError, TypeError) as error:
            raise self._nonsense("logged models") from error

    def logged_model(self, model_id: str) -> LoggedRecord:
        """Return a logged model."""
        try:
            return _logged(self._get(f"logged-models/{quote(model_id, safe='')}")["model"])
        except Refusal as refusal:
            raise self._missing(refusal, f"no logged model {model_id!r}") from refusal
        except (KeyError, TypeError) as error:
            raise self._nonsense("logged model") from error

    def registered_model(self, name: str) -> RegisteredModel:
        """Return a registered model with all of its versions."""
        try:
            model = self._get("registered-models/get", name=name)["registered_model"]
            mark = '"' if "'" in name else "'"
            query = {"filter": f"name={mark}{name}{mark}"}
            versions = [_version(version) for version in self._get_pages("model-versions/search", query)]
            aliases = {alias["alias"]: int(alias["version"]) for alias in model.get("aliases", [])}
        except Refusal as refusal:
            if not refusal.is_missing:
                raise self._refused(refusal) from refusal
            where = shown(self.server.url)
            raise ModelNotFound(
                f"no registered model {name!r} at {where}", hint=self._similar(name)
            ) from refusal
        except (KeyError, TypeError, ValueError) as error:
            raise self._nonsense("registered model") from error
        return RegisteredModel(name, tuple(sorted(versions, key=lambda version: version.number)), aliases)

    def location(self, version: RegisteredVersion) -> str:
        """Return where a version's files are."""
        try:
            answer = self._get(
                "model-versions/get-download-uri", name=version.name, version=str(version.number)
            )
            return str(answer["artifact_uri"])
        except Refusal as refusal:
            raise self._missing(refusal, f"no version {version.number} of {version.name!r}") from refusal
        except KeyError as error:
            raise self._nonsense("download URI") from error

    def _get(self, path: str, **parameters: str) -> Mapping[str, Any]:
        return self.server.get(f"{_API}/{path}", **parameters)

    def _logged_in(self, run: Run) -> list[Mapping[str, Any]]:
        """Return the logged models of a run, or of its experiment where the server cannot ask for a run's."""
        query = {"experiment_ids": [run.experiment_id]}
        try:
            return list(
                self._pages(
                    "logged-models/search", "models", {**query, "filter": f"source_run_id = '{run.id}'"}
                )
            )
        except Refusal as refusal:
            if refusal.status != HTTPStatus.BAD_REQUEST:
                raise
        return list(self._pages("logged-models/search", "models", query))

    def _pages(self, path: str, key: str, query: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        token = ""
        while True:
            page = self.server.post(f"{_API}/{path}", {**query, **({"page_token": token} if token else {})})
            yield from page.get(key, [])
            token = page.get("next_page_token", "")
            if not token:
                return

    def _get_pages(self, path: str, query: Mapping[str, str]) -> Iterator[Mapping[str, Any]]:
        token = ""
        while True:
            page = self._get(path, **query, **({"page_token": token} if token else {}))
            yield from page.get("model_versions", [])
            token = page.get("next_page_token", "")
            if not token:
                return

    def _similar(self, name: str) -> str | None:
        """Return a hint at registered models whose names look like *name*."""
        try:
            models = self._get("registered-models/search", max_results=str(_PAGE)).get(
                "registered_models", []
            )
        except (Refusal, TrackingServerError):
            return None  # it was for a hint only
        return similar(name, [str(model.get("name")) for model in models])

    def _missing(self, refusal: Refusal, what: str) -> LadingError:
        if refusal.is_missing:
            return ModelNotFound(f"{what} at {shown(self.server.url)}")
        return self._refused(refusal)

    def _refused(self, refusal: Refusal) -> TrackingServerError:
        return TrackingServerError(f"tracking server {shown(self.server.url)} answers {refusal}")

    def _nonsense(self, what: str) -> TrackingServerError:
        return TrackingServerError(
            f"tracking server {shown(self.server.url)} answers no {what} as MLflow does"
        )


def _logged(model: Mapping[str, Any]) -> LoggedRecord:
    info = model["info"]
    return LoggedRecord(
        info["model_id"], info["name"], info["artifact_uri"], info.get("source_run_id") or None
    )


def _version(version: Mapping[str, Any]) -> RegisteredVersion:
    return RegisteredVersion(
        name=version["name"],
        number=int(version["version"]),
        stage=version.get("current_stage"),
        run_id=version.get("run_id") or None,
        source=version.get("source", ""),
    )
