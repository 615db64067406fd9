"""When two captured environments are the same one."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lading.capture.identity import identity
from lading.environment import CondaSpecs, Environment, LocalWheel, PackageIndex, PythonMinor

PLAIN = Environment(PythonMinor(3, 11), ("alpha==1.0", "beta>=2"))


@given(st.permutations(["alpha==1", "beta==2", "gamma==3"]), st.permutations(["delta<4", "epsilon<5"]))
def test_the_order_of_requirements_does_not_matter(requirements, constraints):
    """Two captures that name the same in another order are one environment."""
    known = Environment(PythonMinor(3, 11), ("alpha==1", "beta==2", "gamma==3"), ("delta<4", "epsilon<5"))

    found = identity(replace(known, requirements=tuple(requirements), constraints=tuple(constraints)))

    assert found == identity(known)


@pytest.mark.parametrize(
    "changed",
    [
        {"python": PythonMinor(3, 12)},
        {"requirements": ("alpha==1.1", "beta>=2")},
        {"constraints": ("gamma<3",)},
        {"index": PackageIndex("https://example.org/simple")},
        {"index": PackageIndex(extra_index_urls=("https://example.org/simple",))},
        {"index": PackageIndex(allows_prereleases=True)},
        {"conda": CondaSpecs(("conda-forge",), ("python=3.11",))},
    ],
)
def test_whatever_changes_what_is_installed_is_another_environment(changed):
    """Python, requirements, constraints, indexes and conda's part all count."""
    assert identity(replace(PLAIN, **changed)) != identity(PLAIN)


def test_passwords_are_no_part_of_it():
    """Who has another password for the same index has the same environment, and the label gives none away."""
    first, second = (
        replace(PLAIN, index=PackageIndex(f"https://somebody:{word}@example.org/simple")) for word in "ab"
    )

    assert identity(first) == identity(second)


def test_files_of_the_model_count_by_their_contents(tmp_path):
    """A wheel in the model is the same in another folder; another wheel of the same name is not."""

    def with_wheel(folder: str, content: bytes) -> Environment:
        path: Path = tmp_path / folder / "mine-1.0-py3-none-any.whl"
        path.parent.mkdir()
        path.write_bytes(content)
        index = PackageIndex(find_links=(str(path.parent),))
        return replace(PLAIN, wheels=(LocalWheel(path, "mine==1.0"),), index=index)

    first, second = with_wheel("here", b"one"), with_wheel("there", b"one")

    assert identity(first) == identity(second)
    assert identity(with_wheel("elsewhere", b"two")) != identity(first)
