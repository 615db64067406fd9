"""The Pythons of this machine."""

import platform
import sys
from pathlib import Path

import pytest
from lading.engines.oci.bytecode.compiler import Interpreter
from lading.engines.oci.bytecode.interpreter import FoundInterpreters
from lading.environment import PythonMinor
from lading.store import Store


@pytest.fixture(scope="session")
def own() -> Interpreter:
    """The Python that runs the tests."""
    return Interpreter(Path(sys.executable), platform.python_version())


@pytest.fixture(scope="session")
def interpreters(tmp_path_factory) -> list[Interpreter]:
    """One Python of each minor version that this machine has; images may have any."""
    finder = FoundInterpreters(Store(tmp_path_factory.mktemp("interpreters")))
    found = (finder.find(PythonMinor(3, minor)) for minor in range(8, 15))
    return [each for each in found if each is not None]
