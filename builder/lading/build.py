"""The story of a build, in the order in which it happens."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import Protocol

from lading.capture.environment import Manager, capture
from lading.capture.identity import identity
from lading.capture.mlflow_need import MlflowNeed, with_mlflow
from lading.capture.mlmodel import read_model
from lading.engines.engine import Engine
from lading.environment import Environment, Platform, PythonMinor
from lading.errors import InvalidEnvironment, StoreError
from lading.image import BuiltImage
from lading.labels import PlannedModel
from lading.layer import EnvironmentLayer, FolderLayer
from lading.lock import Lock
from lading.locking.locker import Locker
from lading.model import ResolvedModel
from lading.plan import (
    ENVIRONMENT_TARGET,
    LINUX_AMD64,
    MODEL_TARGET,
    SERVER_TARGET,
    ImageNames,
    ImageOptions,
    ImagePlan,
    base_python,
    make_plan,
)
from lading.progress import Timed
from lading.reference import ModelRef


@dataclass(frozen=True, slots=True)
class ModelWishes:
    """What the user asks of a model's environment."""

    mlflow: MlflowNeed = MlflowNeed.AUTO
    manager: Manager = Manager.AUTO


@dataclass(frozen=True, slots=True)
class FoundModel:
    """A model on this machine, and what it needs."""

    planned: PlannedModel
    environment: Environment


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildRequest:
    """What the user wants built."""

    model: ModelRef
    platforms: tuple[Platform, ...] = (LINUX_AMD64,)
    """What the image runs on; one image each."""

    options: ImageOptions = field(default_factory=ImageOptions)
    mlflow: MlflowNeed = MlflowNeed.AUTO
    manager: Manager = Manager.AUTO

    lock_from: Path | None = None
    """A ``pylock.toml`` to install in place of locking."""

    lock_to: Path | None = None
    """Where the lock is written."""


class ServerLocker(Protocol):
    """Knows the server's own environment."""

    def lock(self, python: PythonMinor, platform: Platform) -> Lock:
        """Return its lock, the runtime's wheel included."""
        ...


class Wheels(Protocol):
    """Has wheels."""

    def fetch(self, lock: Lock) -> tuple[Path, ...]:
        """Return a verified wheel file for each package of *lock*, in its order."""
        ...


class Prefixes(Protocol):
    """Has conda packages."""

    def lay_out(self, lock: Lock, target: str) -> FolderLayer | None:
        """Return the conda packages of *lock* as they will lie at *target*; None where it has none."""
        ...


@dataclass(frozen=True, slots=True)
class Steps:
    """Who does each step up to the plan."""

    fetch: Callable[[ModelRef], ResolvedModel]
    locker: Locker
    server: ServerLocker
    wheels: Wheels
    prefixes: Prefixes
    progress: Timed


def build_image(request: BuildRequest, names: ImageNames, steps: Steps, engine: Engine) -> BuiltImage:
    """Return the image that serves the requested model, under all of *names*.

    Raises:
        LadingError: a step fails; nothing half-made is left, and the names point to what they did before.
    """
    image = engine.build(plan_images(request, steps), names)
    return replace(image, seconds=dict(steps.progress.seconds))


def plan_images(request: BuildRequest, steps: Steps) -> tuple[ImagePlan, ...]:
    """Return the plan of the image that serves the requested model, for each platform.

    Raises:
        LadingError: a step fails; nothing half-made is left.
    """
    with steps.progress.step("fetch the model"):
        found = find_model(request.model, ModelWishes(request.mlflow, request.manager), steps)
    return tuple(_plan(request, found, platform, steps) for platform in request.platforms)


def find_model(ref: ModelRef, wishes: ModelWishes, steps: Steps) -> FoundModel:
    """Return the model of *ref*, and the environment that an image of it needs.

    Raises:
        LadingError: there is none, or it cannot be read.
    """
    resolved = steps.fetch(ref)
    model = read_model(resolved.folder)
    environment = with_mlflow(capture(model, wishes.manager), model, wishes.mlflow)
    layer = FolderLayer.scan(resolved.folder, MODEL_TARGET)
    return FoundModel(PlannedModel(resolved, model, layer, identity(environment)), environment)


def _plan(request: BuildRequest, found: FoundModel, platform: Platform, steps: Steps) -> ImagePlan:
    with steps.progress.step("lock the environment"):
        lock = _lock(request, found.environment, platform, steps)
        server = steps.server.lock(base_python(lock), platform)
    with steps.progress.step("fetch the wheels"):
        wheels, prefix = steps.wheels.fetch(lock), steps.prefixes.lay_out(lock, ENVIRONMENT_TARGET)
        environment_layer = EnvironmentLayer(ENVIRONMENT_TARGET, lock, wheels, prefix)
        server_layer = EnvironmentLayer(SERVER_TARGET, server, steps.wheels.fetch(server))
    return make_plan(found.planned, server_layer, environment_layer, request.options)


def _lock(request: BuildRequest, environment: Environment, platform: Platform, steps: Steps) -> Lock:
    """Return the lock of the model's environment: the user's, or a new one."""
    if request.lock_from is None:
        lock = steps.locker.lock(environment, platform)
    else:
        lock = _given(request.lock_from, environment.python, platform)
    if request.lock_to is not None:
        _write(request.lock_to, lock.pylock)
    return lock


def _given(path: Path, python: PythonMinor, platform: Platform) -> Lock:
    # what reads other tools' locks takes a while to import
    read = import_module("lading.locking.pylock").read
    try:
        lock: Lock = read(path.read_text(encoding="utf-8"), python, platform, folder=path.absolute().parent)
    except (OSError, UnicodeDecodeError, InvalidEnvironment) as error:
        raise InvalidEnvironment(f"cannot read the lock {str(path)!r}: {error}") from error
    return lock


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StoreError(f"cannot write the lock {str(path)!r}: {error.strerror}") from error
