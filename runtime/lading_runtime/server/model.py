"""The model that is served, as its ``MLmodel`` file describes it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from lading_runtime.server.settings import BadSetting

Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's where PyYAML was built with it: a signature of a thousand columns is a long text."""


AGENT_LOADERS = {
    "mlflow.pyfunc.loaders.responses_agent": "agent/v1/responses",
    "mlflow.pyfunc.loaders.chat_agent": "agent/v2/chat",
    "mlflow.pyfunc.loaders.chat_model": "agent/v1/chat",
}
"""What MLflow's loaders of agents load; older models of theirs do not say it in their metadata."""


@dataclass(frozen=True)
class ServedModel:
    """The model's own description. Make it with `read`."""

    folder: Path

    mlmodel: dict[str, Any]
    """``MLmodel`` as it is."""

    @classmethod
    def read(cls, folder: Path) -> ServedModel:
        """Return the model in *folder*.

        Raises:
            BadSetting: there is none, or its description cannot be read.
        """
        try:
            mlmodel = yaml.load((folder / "MLmodel").read_text("utf-8"), Loader)  # noqa: S506 - a safe loader
        except OSError as error:
            raise BadSetting("LADING_MODEL", f"no MLmodel in {str(folder)!r} ({error.strerror})") from error
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise BadSetting("LADING_MODEL", f"MLmodel in {str(folder)!r} is no YAML") from error
        if not isinstance(mlmodel, dict) or not isinstance(mlmodel.get("flavors"), dict):
            raise BadSetting("LADING_MODEL", f"MLmodel in {str(folder)!r} names no flavors")
        return cls(folder, mlmodel)

    @property
    def mlflow_version(self) -> str | None:
        """The MLflow that wrote the model."""
        return self.mlmodel.get("mlflow_version")

    @property
    def agent(self) -> str | None:
        """The task of a model that is an agent, such as ``agent/v1/responses``."""
        metadata = self.mlmodel.get("metadata")
        task = metadata.get("task") if isinstance(metadata, dict) else None
        if isinstance(task, str) and task.startswith("agent/"):
            return task
        function = self.mlmodel["flavors"].get("python_function") or {}
        return AGENT_LOADERS.get(str(function.get("loader_module")))

    @property
    def is_streamable(self) -> bool:
        """Whether the model says that it can answer in parts."""
        return bool((self.mlmodel["flavors"].get("python_function") or {}).get("streamable"))

    def facts(self) -> dict[str, Any]:
        """Return what ``/version`` tells of the model."""
        function = self.mlmodel["flavors"].get("python_function") or {}
        return {
            "run_id": self.mlmodel.get("run_id"),
            "model_id": self.mlmodel.get("model_id"),
            "model_uuid": self.mlmodel.get("model_uuid"),
            "created": _text(self.mlmodel.get("utc_time_created")),
            "flavors": sorted(self.mlmodel["flavors"]),
            "loader_module": function.get("loader_module"),
            "python": function.get("python_version"),
            "signature": self.mlmodel.get("signature"),
        }


def _text(value: object) -> str | None:
    """Return *value* as text; YAML reads some times as such, which JSON does not know."""
    return None if value is None else str(value)
