"""The machine that an environment is locked for."""

import sys
from collections.abc import Set as AbstractSet

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lading.environment import Platform, PythonMinor
from lading.locking.target import Target
from packaging.markers import Marker
from packaging.specifiers import SpecifierSet
from packaging.tags import Tag, parse_tag, sys_tags

AMD64 = Platform("linux", "amd64")
ARM64 = Platform("linux", "arm64")


def marker_values(target: Target) -> dict[str, str | AbstractSet[str]]:
    """Return what markers are evaluated with, as *packaging* takes it."""
    return {name: str(value) for name, value in target.marker_values().items()}


def test_the_tags_are_those_that_the_interpreter_itself_has():
    """For this interpreter's own minor the tags are in the order in which it would take them."""
    own = Target(PythonMinor(*sys.version_info[:2]), AMD64)
    wanted = [tag for tag in sys_tags() if "linux" in tag.platform or tag.platform == "any"]

    known = set(own.tags())
    assert [tag for tag in wanted if tag in known] == [tag for tag in own.tags() if tag in set(wanted)]


@pytest.mark.parametrize(
    ("tag", "fits"),
    [
        ("cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64", True),
        ("cp311-cp311-manylinux_2_36_x86_64", True),
        ("cp311-cp311-manylinux_2_37_x86_64", False),
        ("cp38-abi3-manylinux2014_x86_64", True),
        ("cp312-abi3-manylinux2014_x86_64", False),
        ("cp310-cp310-manylinux2014_x86_64", False),
        ("cp311-cp311-manylinux2014_aarch64", False),
        ("cp311-cp311-musllinux_1_2_x86_64", False),
        ("cp311-cp311-win_amd64", False),
        ("py3-none-linux_x86_64", True),
        ("py2.py3-none-any", True),
        ("py2-none-any", False),
    ],
)
def test_a_wheel_fits_by_its_tag(tag, fits):
    """Interpreter, ABI, processor and glibc decide; Debian bookworm has glibc 2.36."""
    tags = set(Target(PythonMinor(3, 11), AMD64).tags())

    assert bool(parse_tag(tag) & tags) is fits


def test_python_3_7_has_its_own_abi():
    """Until Python 3.7 the ABI ended in an m."""
    assert Tag("cp37", "cp37m", "manylinux1_x86_64") in set(Target(PythonMinor(3, 7), AMD64).tags())


@pytest.mark.parametrize(
    ("marker", "value"),
    [
        ("python_version == '3.9'", True),
        ("python_full_version < '3.9.3'", True),
        ("sys_platform == 'win32'", False),
        ("platform_machine == 'aarch64'", True),
        ("platform_system == 'Linux' and implementation_name == 'cpython'", True),
        ("os_name == 'posix' and platform_python_implementation == 'CPython'", True),
    ],
)
def test_markers_are_those_of_the_target(marker, value):
    """Markers are evaluated for the target, whatever machine this is."""
    values = marker_values(Target(PythonMinor(3, 9), ARM64))

    assert Marker(marker).evaluate(values) is value


@given(minor=st.integers(7, 20), other=st.integers(7, 20), platforms=st.permutations([AMD64, ARM64]))
def test_its_marker_is_true_nowhere_else(minor, other, platforms):
    """The marker of a target holds there, and not on another Python or processor."""
    target, python = Target(PythonMinor(3, minor), platforms[0]), PythonMinor(3, other)
    marker = Marker(target.marker)

    assert marker.evaluate(marker_values(target))
    assert not marker.evaluate(marker_values(Target(target.python, platforms[1])))
    assert marker.evaluate(marker_values(Target(python, platforms[0]))) is (minor == other)


@pytest.mark.parametrize(
    ("specifiers", "version"),
    [("", "3.9.2"), (">=3.9.7", "3.9.7"), ("!=3.9.2,!=3.9.3", "3.9.4"), (">=3.10", "3.9.2")],
)
def test_the_patch_level_follows_what_is_required(specifiers, version):
    """The patch level is the first that is admitted, .2 where all or none are."""
    assert Target(PythonMinor(3, 9), AMD64).admitted_by(SpecifierSet(specifiers)).full_version == version


def test_a_python_with_an_older_base_gets_wheels_for_its_glibc():
    """Debian's Python 3.9 stands on glibc 2.31, all later ones on 2.36 at least."""
    linux = Platform("linux", "amd64")

    assert Target(PythonMinor(3, 9), linux).uv_platform == "x86_64-manylinux_2_31"
    assert Target(PythonMinor(3, 11), linux).uv_platform == "x86_64-manylinux_2_36"
