"""Model folders, written file by file."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from lading.capture.environment import capture
from lading.capture.mlmodel import read_model
from lading.environment import Environment
from lading.model import Model

MLMODEL = """\
flavors:
  python_function:
    loader_module: mlflow.sklearn
    env: {conda: conda.yaml, virtualenv: python_env.yaml}
    python_version: 3.10.1
  sklearn: {pickled_model: model.pkl}
mlflow_version: 2.9.2
"""
PYTHON_ENV = """\
python: 3.11.7
build_dependencies: [setuptools, wheel]
dependencies:
- -r requirements.txt
"""
CONDA = """\
channels: [conda-forge]
dependencies: [python=3.11.7, pip<=23.2.1, {pip: [mlflow]}]
"""


@dataclass(frozen=True)
class Folder:
    """A model folder that tests write into."""

    path: Path

    def file(self, name: str, content: str | bytes = "") -> "Folder":
        """Write one file."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return self

    def requires(self, *lines: str, **variables: str) -> Environment:
        """Return the environment that these lines of requirements.txt make."""
        self.file("requirements.txt", "\n".join(lines))
        return capture(self.model, variables=variables)

    @property
    def model(self) -> Model:
        """What MLmodel says."""
        return read_model(self.path)


@pytest.fixture
def empty(tmp_path: Path) -> Folder:
    """A folder without files."""
    (tmp_path / "model").mkdir()
    return Folder(tmp_path / "model")


@pytest.fixture
def folder(empty: Folder) -> Folder:
    """A scikit-learn model as MLflow 2 logs it, without requirements yet."""
    return empty.file("MLmodel", MLMODEL).file("python_env.yaml", PYTHON_ENV).file("conda.yaml", CONDA)
