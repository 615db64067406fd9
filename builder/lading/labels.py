"""What the labels of an image say: where everything in it comes from, and whether something else fits."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lading import __version__
from lading.digest import Digest
from lading.errors import BuildFailed
from lading.layer import EnvironmentLayer, FolderLayer
from lading.model import Model, ResolvedModel
from lading.reference import LocalModel, ModelRef

_PREFIX = "ai.lading."
PYTHON_LABEL = f"{_PREFIX}python"
"""The model's Python."""

LOCK_LABEL = f"{_PREFIX}environment.lock"
SERVER_LOCK_LABEL = f"{_PREFIX}server.lock"
CAPTURED_LABEL = f"{_PREFIX}environment.captured"
SIGNATURE_LABEL = f"{_PREFIX}model.signature"
VERSION_LABEL = f"{_PREFIX}version"
"""Of Lading, whose server is in the image."""

BASE_NAME_LABEL = "org.opencontainers.image.base.name"

_FILES_OF_IMAGES = {"oci", "oci-archive", "docker-archive"}
"""What names of base images in files begin with, as skopeo and podman write them."""


@dataclass(frozen=True, slots=True)
class PlannedModel:
    """A model with all that is known of it."""

    resolved: ResolvedModel
    model: Model
    layer: FolderLayer

    captured: Digest | None = None
    """Names the environment that it was logged with (`lading.capture.identity`)."""


def model_labels(planned: PlannedModel) -> dict[str, str | None]:
    """Return all labels that tell of a model; None is for what is not known of this one."""
    resolved, model = planned.resolved, planned.model
    known = {
        "org.opencontainers.image.title": resolved.name or re.split("[/:]", public_uri(resolved.ref))[-1],
        "org.opencontainers.image.version": resolved.version,
        "model.uri": public_uri(resolved.ref),
        "model.run-id": resolved.run_id or model.run_id,
        "model.id": resolved.model_id or model.model_id,
        "model.digest": planned.layer.digest,
        SIGNATURE_LABEL: model.signature,
        "mlflow.version": model.mlflow_version,
        CAPTURED_LABEL: planned.captured,
    }
    return {_label(name): None if value is None else str(value) for name, value in known.items()}


def image_labels(
    planned: PlannedModel, base: str, server: EnvironmentLayer, environment: EnvironmentLayer
) -> dict[str, str]:
    """Return all labels that an image gets of itself; *base* is the name of what it stands on."""
    known = model_labels(planned) | {
        BASE_NAME_LABEL: public_base(base),
        VERSION_LABEL: __version__,
        PYTHON_LABEL: str(environment.lock.python),
        LOCK_LABEL: str(environment.lock.digest),
        SERVER_LOCK_LABEL: str(server.lock.digest),
    }
    return {name: text for name, text in known.items() if text is not None}


def require_no_model(base: str, labels: Mapping[str, str]) -> None:
    """Do nothing where the image *base* with *labels* has no model yet.

    Raises:
        BuildFailed: it has one, whose packages would get among those of the next.
    """
    if LOCK_LABEL in labels:
        below = labels.get(BASE_NAME_LABEL)
        raise BuildFailed(
            f"the base image {base!r} is one of a model, whose packages would get among the new one's",
            hint=f"name what that one stands on: {below}" if below else "name one without a model",
        )


def _label(name: str) -> str:
    return name if name.startswith(("org.", _PREFIX)) else _PREFIX + name


def public_uri(ref: ModelRef) -> str:
    """Return *ref* as a label may show it: without credentials, and without this machine's folders."""
    match ref:
        case LocalModel(path=path):
            return f"file:{path.resolve().name}" if path.name == ".." else f"file:{path.absolute().name}"
        case _:
            return str(ref)


def public_base(base: str) -> str:
    """Return the base image's name as a label may show it: files without this machine's folders."""
    kind, colon, place = base.partition(":")
    return f"{kind}:{Path(place).name}" if colon and kind in _FILES_OF_IMAGES else base
