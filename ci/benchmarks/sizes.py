"""What a model of each flavour makes an image: rows for the README's table.

The models are those of `tests/flavours`, with the requirements that MLflow infers when it logs them
(``mlflow.models.infer_pip_requirements``), so with all that a flavour's library brings. Sizes are
Docker's, unpacked, in millions of bytes. One image at a time is built, and removed when it is measured.
PyPI's PyTorch for Linux brings CUDA, some gigabytes; UV_TORCH_BACKEND=cpu takes the build without it.
"""

import argparse
import json
import os
import shutil
import sys
from pathlib import Path

from measure import FOLDER, REPOSITORY, run, trained_model

IMAGE = "lading-bench/size"
MODELS = {
    "XGBoost": ("light", "xgboost", "booster"),
    "LightGBM": ("light", "lightgbm", "booster"),
    "CatBoost": ("light", "catboost", "classifier"),
    "ONNX": ("light", "onnx", "one_input"),
    "statsmodels": ("light", "statsmodels", "ols"),
    "Prophet": ("text-and-time", "prophet", "plain"),
    "pmdarima": ("text-and-time", "pmdarima", "arima"),
    "spaCy": ("text-and-time", "spacy", "exclusive"),
    "PyTorch": ("torch", "pytorch", "exported"),
    "sentence-transformers": ("torch", "sentence_transformers", "encoder"),
    "Keras 3": ("tensorflow", "keras", "own"),
    "TensorFlow": ("tensorflow", "tensorflow", "module"),
    "PaddlePaddle": ("paddle", "paddle", "layer"),
}
"""Family, flavour and variant of the model of each row; scikit-learn's is the documentation's iris model."""

INFER = """\
import json, sys
from importlib import metadata
from mlflow.models import infer_pip_requirements
inferred = infer_pip_requirements(*sys.argv[1:])
if "sentence_transformers" in sys.argv:
    # Left out, because the package asks for it; so the newest would come, and perhaps another build.
    inferred.append("torch==" + metadata.version("torch").partition("+")[0])
print(json.dumps(inferred))
"""


def model_of(name: str) -> Path:
    """Return a model of one row, as MLflow would have logged it."""
    if name not in MODELS:
        return trained_model()
    family, flavour, variant = MODELS[name]
    printed = run(sys.executable, "-m", "tests.flavours.environment", flavour, family, cwd=REPOSITORY)
    models, python = printed.splitlines()[-2:]
    folder = FOLDER / "size"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(Path(models) / variant / "model", folder)
    # Not from the repository: MLflow takes the lock of the uv project that it runs in for the model's.
    inferred = json.loads(run(python, "-c", INFER, folder, flavour, cwd=folder).splitlines()[-1])
    (folder / "requirements.txt").write_text("".join(f"{requirement}\n" for requirement in inferred))
    return folder


def size_mb(image: str) -> float:
    """Return an image's size in millions of bytes."""
    return int(run("docker", "image", "inspect", "--format", "{{.Size}}", image)) / 1e6


def row(name: str, base: str) -> str:
    """Return the row of one flavour: its image, and what of that does not come from the base image."""
    # The classic builder's layers go with the image; BuildKit would keep gigabytes of all flavours.
    classic = {"DOCKER_BUILDKIT": "0"}
    run("build-image", "-m", model_of(name), "-n", IMAGE, "--base-image", base, "--json", env=classic)
    total = size_mb(IMAGE)
    run("docker", "rmi", "--force", IMAGE)
    return f"| {name} | {total:.0f} MB | {total - size_mb(base):.0f} MB |"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="ci/bench sizes", description=__doc__)
    names = ("scikit-learn", *MODELS)
    parser.add_argument(
        "flavours", nargs="*", default=names, metavar="FLAVOUR", help=f"of {', '.join(names)}"
    )
    parser.add_argument("--base-image", default="python:3.11-slim-bookworm")
    arguments = parser.parse_args()
    if unknown := set(arguments.flavours) - set(names):
        parser.error(f"no such flavour: {', '.join(sorted(unknown))}")
    os.chdir(REPOSITORY)
    print("| flavour | image | on top of the base |", "|---|--:|--:|", sep="\n", flush=True)
    for name in arguments.flavours:
        print(row(name, arguments.base_image), flush=True)


if __name__ == "__main__":
    main()
