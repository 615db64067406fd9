"""Imports what requests will need before the host forks: quick first answers, and memory that is shared."""

from __future__ import annotations

import importlib
import json
from contextlib import suppress

from lading_runtime.worker.model import ModelFolder


def import_libraries(model: ModelFolder) -> None:
    """Import what payloads for *model* become, where it is installed."""
    for name in libraries_of(model):
        # A model that gets no data frames need not have pandas. A broken one shows at the first request.
        with suppress(Exception):
            importlib.import_module(name)


def libraries_of(model: ModelFolder) -> list[str]:
    """Return the library whose objects *model* takes, as its signature says; pandas without one."""
    if model.mlmodel.get("is_signature_from_type_hint"):
        return []
    inputs = json.loads((model.mlmodel.get("signature") or {}).get("inputs") or "[]")
    is_of_tensors = bool(inputs) and all(spec.get("type") == "tensor" for spec in inputs)
    return ["numpy"] if is_of_tensors else ["pandas"]
