"""What the host imports before it forks."""

import json
import sys
from pathlib import Path

import pytest
from lading_runtime.worker import libraries
from lading_runtime.worker.model import ModelFolder

TENSOR = {"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 4]}}
COLUMN = {"type": "double", "name": "a"}


@pytest.mark.parametrize(
    ("mlmodel", "expected"),
    [
        ({}, ["pandas"]),
        ({"signature": {"inputs": None, "params": None}}, ["pandas"]),
        ({"signature": {"inputs": json.dumps([COLUMN])}}, ["pandas"]),
        ({"signature": {"inputs": json.dumps([TENSOR])}}, ["numpy"]),
        ({"signature": {"inputs": json.dumps([COLUMN])}, "is_signature_from_type_hint": True}, []),
    ],
)
def test_a_signature_says_what_a_model_takes(mlmodel, expected):
    """Tensors need NumPy, type hints nothing, everything else pandas."""
    assert libraries.libraries_of(ModelFolder(Path(), mlmodel)) == expected


def test_a_library_that_is_not_there_is_not_needed(monkeypatch):
    """A model that brought no pandas is not refused for that."""
    monkeypatch.setitem(sys.modules, "pandas", None)

    libraries.import_libraries(ModelFolder(Path(), {}))
