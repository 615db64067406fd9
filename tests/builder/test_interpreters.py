"""The Python interpreters of this machine."""

import subprocess
import sys

import pytest
from lading.environment import PythonMinor
from lading.interpreters import find_interpreter, installed_pythons
from lading.uv_process import Uv, UvFailed

OWN = PythonMinor(*sys.version_info[:2])


def test_ones_own_minor_is_found():
    """The interpreter that is found has the minor version that was asked for."""
    found = find_interpreter(OWN)

    assert found is not None
    code = "import sys; print(*sys.version_info[:2], sep='.')"
    assert subprocess.check_output([found, "-c", code], text=True).strip() == str(OWN)


def test_an_unknown_minor_is_not_found():
    """A minor version that nobody has is not found, and nothing is downloaded for it."""
    assert find_interpreter(PythonMinor(3, 99)) is None


def test_pyenv_is_looked_into(tmp_path, monkeypatch):
    """Where uv finds none, the newest patch level of pyenv is taken."""

    def fail(*_, **__):
        raise UvFailed("none")

    monkeypatch.setattr(Uv, "run", fail)
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    for patch in ("9", "13", "x"):
        python = tmp_path / "versions" / f"3.10.{patch}" / "bin" / "python3.10"
        python.parent.mkdir(parents=True)
        python.touch()

    assert find_interpreter(PythonMinor(3, 10)) == tmp_path / "versions" / "3.10.13" / "bin" / "python3.10"
    assert installed_pythons() == "3.10"


@pytest.mark.parametrize("minor", [OWN])
def test_the_installed_ones_are_named(minor):
    """A message can say which minor versions there are, in order."""
    minors = [PythonMinor.parse(text) for text in installed_pythons().split(", ")]

    assert minor in minors
    assert minors == sorted(minors)
