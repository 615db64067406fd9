"""What is compiled beforehand is what a server imports."""

import io
import json
import tarfile
from pathlib import Path

import lading_runtime
import pytest
import uv
import yaml
from lading.build import BuildRequest, plan_images
from lading.cli.steps import make_workshop
from lading.engines.oci.bases.base import Base
from lading.engines.oci.bytecode.layers import BytecodeLayers
from lading.environment import PackageIndex
from lading.oci.config import Config
from lading.oci.image import Image, Layer
from lading.plan import ImagePlan
from lading.progress import Silent
from lading.reference import LocalModel

from tests.conftest import run
from tests.flavours.environment import models_of

BASE = Base("python:3.11", Image(Config({}), ()), "/usr/local/bin/python3.11", None)
IMPORTED_MODULES = Path(__file__).with_name("imported_modules.py")


def plan_of(model: Path, folder: Path) -> ImagePlan:
    """Return the plan of a model's image."""
    workshop = make_workshop(folder, Silent(), PackageIndex())
    (plan,) = plan_images(BuildRequest(model=LocalModel(model)), workshop.steps)
    return plan


def compiled(layer: Layer) -> set[str]:
    """Return the sources, below ``site-packages``, whose bytecode is in a layer."""
    data = b"".join(layer.blob.chunks())
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive:
        names = [entry.name.partition("site-packages/")[2] for entry in archive if entry.isfile()]
    return {name.replace("__pycache__/", "").replace(".cpython-311.pyc", ".py") for name in names}


def imported(plan: ImagePlan, folder: Path) -> set[str]:
    """Return the sources that loading the model and a prediction import, from its wheels."""
    program, python = uv.find_uv_bin(), folder / "bin" / "python"
    run(program, "venv", "--quiet", "--python", plan.python, folder)
    run(program, "pip", "install", "--no-deps", "--offline", "--python", python, *plan.environment.wheels)
    runtime, mlmodel = Path(lading_runtime.__file__).parent, plan.model.source / "MLmodel"
    description = json.dumps(yaml.safe_load(mlmodel.read_text()), default=str)
    told = json.loads(run(python, "-B", IMPORTED_MODULES, runtime, plan.model.source, description))
    assert told["answers"] > 0
    return {file.partition("site-packages/")[2] for file in told["files"]}


@pytest.fixture(params=["iris", "xgboost", "statsmodels"])
def model(request, conformance) -> Path:
    """A model that MLflow has saved, with an input example."""
    if request.param == "iris":
        folder: Path = conformance.models / "iris"
        return folder
    variant = {"xgboost": "booster", "statsmodels": "ols"}[request.param]
    return models_of(request.param, "light") / variant / "model"


def test_what_a_model_imports_is_compiled(model, tmp_path):
    """Of what loading and predicting import, 98 % are compiled; at most twice as much is."""
    workshop = make_workshop(tmp_path, Silent(), PackageIndex())
    plan = plan_of(model, tmp_path)

    _, layer = BytecodeLayers(workshop.store, Silent()).layers(plan, BASE)
    made, needed = compiled(layer), imported(plan, tmp_path / "environment")

    assert len(needed) > 500
    assert len(made & needed) >= 0.98 * len(needed), sorted(needed - made)
    assert len(made) <= 2 * len(needed)
