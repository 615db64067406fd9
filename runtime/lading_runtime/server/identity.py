"""Under which name and version the Open Inference Protocol knows the model."""

from __future__ import annotations

import yaml

from lading_runtime.protocol.open_inference.metadata import Identity
from lading_runtime.server.hosting import Hosting
from lading_runtime.server.model import ServedModel

REGISTERED = "registered_model_meta"
"""A file that older clients of MLflow put beside a model that they download from the registry."""

DEFAULT_NAME = "model"
DEFAULT_VERSION = "1"


def identity_of(model: ServedModel, hosting: Hosting) -> Identity:
    """Return the identity of *model*: what the environment says, else what its folder does."""
    name, version = hosting.registered or _registered(model)
    return Identity(
        name=hosting.model_name or name or _logged_name(model),
        version=hosting.model_version or version or DEFAULT_VERSION,
        platform=f"mlflow_{_flavour(model)}",
    )


def _registered(model: ServedModel) -> tuple[str, str]:
    try:
        said = yaml.safe_load((model.folder / REGISTERED).read_text("utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        said = None
    known = said if isinstance(said, dict) else {}
    return str(known.get("model_name") or ""), str(known.get("model_version") or "")


def _logged_name(model: ServedModel) -> str:
    """Return what the model was logged as; a name of MLflow 2, where it is not a whole address."""
    path = str(model.mlmodel.get("artifact_path") or "")
    return DEFAULT_NAME if not path or "/" in path else path


def _flavour(model: ServedModel) -> str:
    """Return the flavour: ``sklearn`` of ``mlflow.sklearn``, ``pyfunc`` of ``mlflow.pyfunc.model``."""
    function = model.mlmodel["flavors"].get("python_function") or {}
    first, _, rest = str(function.get("loader_module") or "mlflow.pyfunc").partition(".")
    return rest.partition(".")[0] if first == "mlflow" and rest else "pyfunc"
