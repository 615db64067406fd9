"""Values of the captured environment."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lading.environment import Platform, PythonMinor
from lading.errors import InvalidEnvironment, InvalidOption


@pytest.mark.parametrize("text", ["3.11", "3.11.7", " 3.11.7 ", "3.11.0rc1", "3.11.7+local"])
def test_a_python_version_gives_its_minor(text):
    """Images are made for a minor version, whatever follows it."""
    assert PythonMinor.parse(text) == PythonMinor(3, 11)


@pytest.mark.parametrize("text", ["", "3", "three", "v3.11", "3.x", ">=3.11"])
def test_what_is_no_python_version_is_refused(text):
    """A version that names no minor is an error with its text."""
    with pytest.raises(InvalidEnvironment, match="not a Python version"):
        PythonMinor.parse(text)


@given(st.integers(0, 9), st.integers(0, 99), st.integers(0, 9), st.integers(0, 99))
def test_python_versions_are_ordered_as_numbers(major, minor, other_major, other_minor):
    """3.9 is older than 3.10, and a version survives being written."""
    one, other = PythonMinor(major, minor), PythonMinor(other_major, other_minor)

    assert (one < other) == ((major, minor) < (other_major, other_minor))
    assert PythonMinor.parse(str(one)) == one


def test_a_platform_is_one_that_models_can_be_packaged_for():
    """Platforms are written as OCI images write them; others are refused with the choice."""
    assert str(Platform.parse("linux/arm64")) == "linux/arm64"
    for text in ("", "linux", "linux/riscv64", "windows/amd64", "linux/amd64/v2"):
        with pytest.raises(InvalidOption, match="use one of linux/amd64, linux/arm64"):
            Platform.parse(text)
