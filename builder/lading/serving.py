"""The story of serving without a container: the same runtime, in environments of this machine.

As in an image, there are two environments: the server's own, and the one that the model's process runs in.
"""

import os
import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from lading.build import Steps
from lading.capture.environment import Manager, capture
from lading.capture.mlflow_need import MlflowNeed, with_mlflow
from lading.capture.mlmodel import read_model
from lading.environment import Platform, PythonMinor
from lading.environments.local import EnvironmentMaker
from lading.errors import ServeFailed
from lading.local_server import LocalServer
from lading.model import Model
from lading.plan import model_env
from lading.reference import ModelRef

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


@dataclass(frozen=True, slots=True)
class Makers:
    """Who makes environments of this machine."""

    model: EnvironmentMaker | None
    """None: the model runs in an environment that is there already."""

    server: EnvironmentMaker

    manager: Manager = Manager.VIRTUALENV
    """What is read of what was captured: `VIRTUALENV` leaves conda's packages out."""


def prepare(ref: ModelRef, mlflow: MlflowNeed, steps: Steps, makers: Makers) -> LocalServer:
    """Return a server for the model that *ref* names; environments are made where they are missing.

    Raises:
        LadingError: a step fails; says which.
    """
    with steps.progress.step("fetch the model"):
        resolved = steps.fetch(ref)
        model = read_model(resolved.folder)
    python = _made(model, mlflow, steps, makers) or _here(os.environ)
    environ = {"LADING_MODEL": str(model.folder.absolute()), "LADING_MODEL_PYTHON": str(python)}
    environ |= model_env(resolved)
    if makers.manager is Manager.CONDA:
        environ |= _activated(python.parents[1], os.environ)
    return LocalServer((str(_server_python(steps, makers.server)), "-I", "-m", "lading_runtime"), environ)


def _here(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("LADING_MODEL_PYTHON") or sys.executable)


def _activated(prefix: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Return what makes a conda environment the one whose programs are found."""
    return {"CONDA_PREFIX": str(prefix), "PATH": f"{prefix}/bin{os.pathsep}{environ.get('PATH', os.defpath)}"}


def _made(model: Model, mlflow: MlflowNeed, steps: Steps, makers: Makers) -> Path | None:
    """Return the interpreter of the captured environment; None where none is to be made."""
    if makers.model is None:
        return None
    captured = capture(model, makers.manager)
    with steps.progress.step("lock the environment"):
        lock = steps.locker.lock(with_mlflow(captured, model, mlflow), this_platform())
    with steps.progress.step("fetch the wheels"):
        wheels = steps.wheels.fetch(lock)
    return makers.model.make(lock, wheels)


def _server_python(steps: Steps, maker: EnvironmentMaker) -> Path:
    """Return an interpreter that has the runtime: in a checkout this one, else one made for it."""
    # Where the distribution is, so are its dependencies; a module of that name would not tell.
    if any(metadata.distributions(name="lading-runtime")):
        return Path(sys.executable)
    lock = steps.server.lock(PythonMinor(*sys.version_info[:2]), this_platform())
    return maker.make(lock, steps.wheels.fetch(lock))


def this_platform() -> Platform:
    """Return the platform of this machine.

    Raises:
        ServeFailed: models cannot be served here.
    """
    architecture = _ARCHITECTURES.get(platform.machine())
    if sys.platform != "linux" or architecture is None:
        raise ServeFailed(
            f"models are served on Linux only, not on {sys.platform}/{platform.machine()}",
            hint="build an image and run that",
        )
    return Platform("linux", architecture)
