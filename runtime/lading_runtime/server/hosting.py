"""What those who host a server say in the environment: the model's name, and the paths that they call."""

from __future__ import annotations

from dataclasses import dataclass

from lading_runtime.server.exposure import Reader

MODEL_NAMES = ("LADING_MODEL_NAME", "MODEL_NAME", "MLSERVER_MODEL_NAME")
"""Ours, that of KServe's containers, and MLServer's; the first that is there counts."""

MODEL_VERSIONS = ("LADING_MODEL_VERSION", "MLSERVER_MODEL_VERSION")


@dataclass(frozen=True)
class Hosting:
    """The wishes of whoever hosts the server. Make it with `read`."""

    model_name: str | None = None
    """Of the Open Inference Protocol; None: the model's own."""

    model_version: str | None = None

    registered: tuple[str, str] | None = None
    """The model's own name and version, in its registry (``LADING_REGISTERED_MODEL``, which images bring)."""

    health_route: str | None = None
    """Vertex AI's ``AIP_HEALTH_ROUTE``."""

    predict_route: str | None = None
    """Vertex AI's ``AIP_PREDICT_ROUTE``."""

    is_azure: bool = False
    """Whether there is ``AZUREML_MODEL_DIR``, which Azure Machine Learning sets."""

    @classmethod
    def read(cls, read: Reader) -> Hosting:
        """Return what the environment says."""
        return cls(
            model_name=_first(read, MODEL_NAMES),
            model_version=_first(read, MODEL_VERSIONS),
            registered=read("LADING_REGISTERED_MODEL", _registered, ""),
            health_route=read("AIP_HEALTH_ROUTE", _route, ""),
            predict_route=read("AIP_PREDICT_ROUTE", _route, ""),
            is_azure=read("AZUREML_MODEL_DIR", bool, ""),
        )


def _first(read: Reader, names: tuple[str, ...]) -> str | None:
    return next((text for name in names if (text := read(name, str, ""))), None)


def _registered(text: str) -> tuple[str, str] | None:
    """Return the name and the version in *text*; names of old registries may have slashes of their own."""
    name, _, version = text.rpartition("/")
    return (name, version) if name and version else None


def _route(path: str) -> str | None:
    """Return *path* as one that begins with a slash."""
    if "{" in path or "}" in path:  # to the web framework these are patterns, and some of them are broken
        raise ValueError("expected a path without braces")
    return f"/{path.lstrip('/')}" if path else None
