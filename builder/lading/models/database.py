"""A tracking database, read straight from its SQLite file.

MLflow refuses a database of any version but its own (``mlflow.store.db.utils._verify_schema``). The few
columns that matter here have stayed; those that came later are read where they exist.
"""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from lading.errors import ModelNotFound, TrackingServerError
from lading.models.store import LoggedRecord, RegisteredModel, RegisteredVersion, Run, similar

_BUSY_S = 30.0
"""How long a writer may hold the file."""

_DELETED_STAGE = "Deleted_Internal"

Row = Mapping[str, object]


def database_path(uri: str, folder: Path) -> Path:
    """Return the file of a ``sqlite:`` URI, as SQLAlchemy reads it: three slashes relative, four absolute."""
    written = uri.partition(":")[2].removeprefix("//").partition("?")[0].removeprefix("/")
    literal = folder / written
    return literal if literal.exists() else folder / unquote(written)


@dataclass(frozen=True, slots=True)
class DatabaseStore:
    """The runs, logged models and registered models of one SQLite file, which is never written to."""

    path: Path

    workspace: str
    """Of which registered models are read, where the database knows workspaces."""

    def run(self, run_id: str) -> Run:
        """Return a run; ``ModelStore`` tells the rest."""
        rows = self._select("runs", run_uuid=run_id)
        if not rows:
            raise ModelNotFound(f"no run {run_id!r} in {self.path}")
        return Run(run_id, str(rows[0]["experiment_id"]), str(rows[0]["artifact_uri"]))

    def logged_models(self, run: Run) -> tuple[LoggedRecord, ...]:
        """Return the models that *run* logged, newest first."""
        rows = self._select("logged_models", source_run_id=run.id)
        newest_first = sorted(rows, key=lambda row: -_number(row["creation_timestamp_ms"]))
        return tuple(_logged(row) for row in newest_first if row["lifecycle_stage"] != "deleted")

    def logged_model(self, model_id: str) -> LoggedRecord:
        """Return a logged model."""
        rows = [
            row
            for row in self._select("logged_models", model_id=model_id)
            if row["lifecycle_stage"] != "deleted"
        ]
        if not rows:
            raise ModelNotFound(f"no logged model {model_id!r} in {self.path}")
        return _logged(rows[0])

    def registered_model(self, name: str) -> RegisteredModel:
        """Return a registered model with all of its versions."""
        if not self._mine("registered_models", name=name):
            names = [str(row["name"]) for row in self._mine("registered_models")]
            raise ModelNotFound(f"no registered model {name!r} in {self.path}", hint=similar(name, names))
        versions = [_version(row) for row in self._mine("model_versions", name=name)]
        aliases = {
            str(row["alias"]): _number(row["version"])
            for row in self._mine("registered_model_aliases", name=name)
        }
        kept = sorted((v for v in versions if v.stage != _DELETED_STAGE), key=lambda version: version.number)
        return RegisteredModel(name, tuple(kept), aliases)

    def location(self, version: RegisteredVersion) -> str:
        """Return where a version's files are: where they were stored, or what was registered."""
        row = self._mine("model_versions", name=version.name, version=version.number)[0]
        return str(row.get("storage_location") or row["source"])

    def _mine(self, table: str, **wanted: object) -> list[Row]:
        rows = self._select(table, **wanted)
        return [row for row in rows if row.get("workspace", self.workspace) == self.workspace]

    def _select(self, table: str, **wanted: object) -> list[Row]:
        """Return the rows of *table* that have the *wanted* values; none if there is no such table."""
        where = " AND ".join(f"{column} = ?" for column in wanted) or "1"
        with self._connection() as connection:
            known = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            names = {name for (name,) in known}
            if "runs" not in names:
                raise TrackingServerError(f"{self.path} is no MLflow database: it has no runs")
            if table not in names:
                return []
            rows = connection.execute(f"SELECT * FROM {table} WHERE {where}", tuple(wanted.values()))  # noqa: S608 - names are ours
            columns = [column[0] for column in rows.description]
            return [dict(zip(columns, row, strict=True)) for row in rows]

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        if not self.path.is_file():
            raise TrackingServerError(
                f"there is no tracking database {self.path}",
                hint="set MLFLOW_TRACKING_URI, or start in the folder that holds mlflow.db or mlruns",
            )
        try:
            address = f"{self.path.resolve().as_uri()}?mode=ro"
            with closing(sqlite3.connect(address, uri=True, timeout=_BUSY_S)) as connection:
                yield connection
        except sqlite3.Error as error:
            raise TrackingServerError(f"the tracking database {self.path} cannot be read: {error}") from error


def _number(value: object) -> int:
    return int(str(value))


def _logged(row: Row) -> LoggedRecord:
    run_id = row["source_run_id"]
    return LoggedRecord(
        str(row["model_id"]),
        str(row["name"]),
        str(row["artifact_location"]),
        None if run_id is None else str(run_id),
    )


def _version(row: Row) -> RegisteredVersion:
    run_id, stage = row.get("run_id"), row.get("current_stage")
    return RegisteredVersion(
        name=str(row["name"]),
        number=_number(row["version"]),
        stage=None if stage is None else str(stage),
        run_id=str(run_id) if run_id else None,
        source=str(row["source"]),
    )
