"""The servers that are compared on an MLflow model: MLflow's, Lading's as an image starts it, and an echo."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from serving import Party


@dataclass(frozen=True)
class Setting:
    """What is served, by which interpreters."""

    model: Path
    model_python: Path
    """Has MLflow, and what the model needs."""

    server_python: Path
    workers: int = 1
    env: Mapping[str, str] = field(default_factory=dict)


def mlflow(setting: Setting, port: int) -> Party:
    """Return ``mlflow models serve``."""
    command = [str(setting.model_python.with_name("mlflow")), "models", "serve", "--env-manager", "local"]
    command += ["-m", str(setting.model), "-p", str(port), "-w", str(setting.workers)]
    path = f"{setting.model_python.parent}{os.pathsep}{os.environ['PATH']}"
    return Party("MLflow", command, {"PATH": path})


def lading(setting: Setting, port: int) -> Party:
    """Return the runtime, started as an image starts it."""
    env = {
        "LADING_MODEL": str(setting.model),
        "LADING_MODEL_PYTHON": str(setting.model_python),
        "LADING_HOST": "127.0.0.1",
        "PORT": str(port),
        "MLFLOW_MODELS_WORKERS": str(setting.workers),
        "LADING_DRAIN_DELAY_S": "0",
    }
    return Party("Lading", [str(setting.server_python), "-I", "-m", "lading_runtime"], {**env, **setting.env})


def unbatched(setting: Setting, port: int) -> Party:
    """Return Lading as it is without batching."""
    party = lading(setting, port)
    return replace(party, name="Lading, batching off", env={**party.env, "LADING_BATCHING": "off"})


def echo(setting: Setting, port: int, application: str) -> Party:
    """Return the server's own uvicorn with an *application* that echoes the body."""
    options = ["--loop", "uvloop", "--http", "httptools", "--lifespan", "off", "--no-access-log"]
    options += ["--app-dir", str(Path(__file__).parent)]
    command = [str(setting.server_python), "-m", "uvicorn", f"{application}:app", "--port", str(port)]
    # Its name is also that of its log.
    return Party(f"uvicorn, {application}", [*command, *options], {})
