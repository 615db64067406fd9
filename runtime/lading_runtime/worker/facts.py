"""What a model process tells the server about itself."""

from __future__ import annotations

import platform
from importlib import metadata
from typing import Any

from lading_runtime.worker.model import LoadedModel, ModelFolder

DISTRIBUTIONS = (
    "mlflow",
    "mlflow-skinny",
    "numpy",
    "pandas",
    "scikit-learn",
    "skops",
    "xgboost",
    "lightgbm",
    "catboost",
    "onnxruntime",
    "statsmodels",
    "prophet",
    "pmdarima",
    "spacy",
    "torch",
    "sentence-transformers",
    "tensorflow",
    "keras",
    "paddlepaddle",
    "transformers",
    "langchain",
    "openai",
)
"""Packages whose version explains a prediction; looked up by name, never imported."""


def facts_of(model: ModelFolder, loaded: LoadedModel, *, is_shared: bool, load_s: float) -> dict[str, Any]:
    """Return the facts of a "ready" message."""
    return {
        "loader": loaded.loader,
        "python": platform.python_version(),
        "flavors": sorted(model.flavours),
        "versions": installed_versions(),
        "is_streamable": loaded.predict_stream is not None,
        "is_shared": is_shared,
        "load_s": round(load_s, 3),
    }


def installed_versions() -> dict[str, str]:
    """Return the version of each package of `DISTRIBUTIONS` that is installed."""
    found = {name: installed_version(name) for name in DISTRIBUTIONS}
    return {name: version for name, version in found.items() if version is not None}


def installed_version(name: str) -> str | None:
    """Return the version of the package *name*, or None if it is not installed."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
