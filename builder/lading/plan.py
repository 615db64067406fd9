"""What goes into an image, decided before anything is built; the same inputs give the same plan."""

from collections.abc import Mapping
from dataclasses import dataclass

from lading.environment import Platform, PythonMinor
from lading.layer import EnvironmentLayer, FolderLayer
from lading.reference import ImageRef

SERVER_TARGET = "/opt/lading"
"""The server's own environment: the same in every image with this Python."""

ENVIRONMENT_TARGET = "/opt/env"
"""The model's environment: exactly what was captured."""

MODEL_TARGET = "/opt/ml/model"
"""The model folder, where MLflow and SageMaker put it."""

USER_ID = 65532
"""Who runs the image: ``nonroot`` of the distroless images, which no host user has."""


@dataclass(frozen=True, slots=True)
class ImagePlan:
    """Everything an engine needs to make an image."""

    base: str
    """The base image's name."""

    platform: Platform
    python: PythonMinor

    server: EnvironmentLayer
    environment: EnvironmentLayer
    model: FolderLayer

    entrypoint: tuple[str, ...]
    env: Mapping[str, str]
    labels: Mapping[str, str]
    port: int

    build_args: Mapping[str, str]
    """Handed to the engine as they are, for base images and proxies that ask for them."""


@dataclass(frozen=True, slots=True)
class ImageNames:
    """Where a finished image goes."""

    names: tuple[ImageRef, ...]
    """All names that it gets; the first is the one that is reported."""

    is_pushed: bool = False
