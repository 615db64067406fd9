"""A plan of an image so small that an engine makes it in seconds, and what is needed to make it."""

import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest
import uv
from lading.digest import Digest
from lading.environment import Platform, PythonMinor
from lading.labels import PlannedModel
from lading.layer import EnvironmentLayer, FolderLayer
from lading.lock import Lock, LockedPackage, WheelSource
from lading.model import Model, ResolvedModel
from lading.plan import ImageOptions, ImagePlan, make_plan, named_base, official_base
from lading.reference import LocalModel

PYTHON = PythonMinor(3, 11)
LINUX = Platform("linux", "amd64")


def uv_program() -> Path:
    """The uv of this machine, which runs in Linux images as well."""
    return Path(uv.find_uv_bin())


def locked(*wheels: Path) -> Lock:
    """A lock of files that are here."""
    packages = tuple(
        LockedPackage(
            wheel.name.split("-")[0].replace("_", "-"),
            wheel.name.split("-")[1],
            WheelSource(wheel.name, "https://example.org/" + wheel.name, Digest.of_file(wheel)),
        )
        for wheel in wheels
    )
    return Lock(PYTHON, LINUX, packages, "".join(sorted(wheel.name for wheel in wheels)))


@dataclass(frozen=True)
class Planner:
    """Makes plans of one small model; what a test changes in its folders changes the next plan."""

    model: Path
    server: tuple[Path, ...]
    environment: tuple[Path, ...]

    def __call__(self, base: str | None = None, **options) -> ImagePlan:
        """Return the plan of the model as it is now."""
        layer = FolderLayer.scan(self.model, "/opt/ml/model")
        known = Model(self.model, {"python_function": {}}, "3.1.0", None, None, None)
        planned = PlannedModel(ResolvedModel(LocalModel(self.model), self.model), known, layer)
        return make_plan(
            planned,
            EnvironmentLayer("/opt/lading", locked(*self.server), self.server),
            EnvironmentLayer("/opt/env", locked(*self.environment), self.environment),
            ImageOptions(base=named_base(base) if base else official_base, **options),
        )


@pytest.fixture
def runtime(packages) -> Path:
    """A wheel in the runtime's place, whose program says what it was started with."""
    path: Path = packages.folder / "lading_runtime-9.9-py3-none-any.whl"
    info = "lading_runtime-9.9.dist-info"
    files = {
        "lading_runtime/__init__.py": "",
        "lading_runtime/__main__.py": "import sys\nprint('served with', sys.argv[1:], flush=True)\n",
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: lading-runtime\nVersion: 9.9\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": "",
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return path


@pytest.fixture
def plan_of(packages, runtime, tmp_path) -> Planner:
    """Makes plans of a model whose environment is one small package."""
    model = tmp_path / "model"
    model.mkdir()
    (model / "MLmodel").write_text("flavors: {}\n")
    return Planner(model, (packages.wheel("served"), runtime), (packages.wheel("alpha"),))
