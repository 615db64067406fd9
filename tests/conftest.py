"""What all tests share: an interpreter with the real MLflow, and the models of the conformance suite."""

import fcntl
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# An example that waits for a busy machine is not wrong, nor is one that is slow to be made.
settings.register_profile("lading", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("lading")

REPOSITORY = Path(__file__).resolve().parents[1]
CACHE = REPOSITORY / ".cache"
"""Slow things that are made once per checkout; `ci/test` may delete it at any time."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the tests that generate requests be asked for more of them."""
    options = parser.getgroup("lading")
    options.addoption("--examples", type=int, default=1000, help="requests to compare with MLflow (1000)")
    options.addoption("--rounds", type=int, default=2, help="rolling restarts behind a proxy (2)")
    options.addoption("--soak-s", type=float, default=8, help="seconds of load with all faults mixed (8)")
    options.addoption("--mutations", type=int, default=3000, help="broken bodies to send (3000)")


def run(*command: object) -> str:
    """Run a command; return what it printed. A failure shows all of that."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.fail(f"{command[0]} failed:\n{done.stdout}\n{done.stderr}", pytrace=False)
    return done.stdout


@contextmanager
def made_once(folder: Path) -> Iterator[tuple[Path, bool]]:
    """Give *folder* and whether it must still be made, to one process at a time.

    A folder whose making failed half-way has no mark beside it and is made again.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    mark = folder.with_name(f"{folder.name}.made")
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        is_missing = not mark.exists()
        if is_missing:
            shutil.rmtree(folder, ignore_errors=True)
        yield folder, is_missing
        mark.touch()


@dataclass(frozen=True)
class Conformance:
    """Recorded MLflow behaviour, and the models that showed it."""

    folder: Path
    models: Path
    store: Path

    uris: dict[str, str]
    """Of one logged and registered model; MLFLOW_TRACKING_URI among them."""


@pytest.fixture(scope="session")
def mlflow_python() -> Path:
    """An interpreter in whose environment the real MLflow is installed."""
    return Path(run(REPOSITORY / "ci" / "mlflow").strip())


@pytest.fixture(scope="session")
def conformance(mlflow_python: Path) -> Conformance:
    """The conformance suite with its models made."""
    source = REPOSITORY.parent / "shared" / "conformance"
    if not source.is_dir():
        pytest.fail(f"the conformance suite is not at {source}", pytrace=False)
    with made_once(CACHE / "conformance") as (folder, is_missing):
        if is_missing:
            made = run(
                mlflow_python, source / "make_models.py", folder / "models", "--store", folder / "store"
            )
            (folder / "uris").write_text("".join(f"{line}\n" for line in made.splitlines() if "=" in line))
    folder = CACHE / "conformance"
    uris = dict(line.split("=", 1) for line in (folder / "uris").read_text().splitlines())
    return Conformance(source, folder / "models", folder / "store", uris)
