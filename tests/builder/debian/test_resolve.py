"""Packages and what they need."""

import pytest
from lading.debian.index import Package
from lading.debian.relation import parse_relations
from lading.debian.resolve import resolve
from lading.debian.version import DebianVersion
from lading.digest import Digest
from lading.errors import ArchiveError


def package(name, depends="", version="1"):
    """Return a package."""
    relations = parse_relations(depends)
    return Package(name, DebianVersion(version), "debian", f"pool/{name}.deb", Digest.of(b""), 0, relations)


def resolved(*packages, excluded=()):
    """Return the names that the first package brings."""
    by_name = {each.name: each for each in packages}
    return list(resolve([packages[0].name], by_name.get, frozenset(excluded)))


def test_a_circle_ends():
    """Packages may need each other."""
    assert resolved(package("a", "b"), package("b", "a, c"), package("c")) == ["a", "b", "c"]


def test_the_first_alternative_that_exists_is_taken():
    """In the order in which the package names them, with versions that fit."""
    assert resolved(package("a", "x | b (>= 2) | c | d"), package("b"), package("c"), package("d")) == [
        "a",
        "c",
    ]


def test_an_alternative_that_is_there_already_suffices():
    """Nothing is installed twice for one purpose."""
    assert resolved(package("a", "c, b | c"), package("b"), package("c")) in (["a", "c"], ["a", "b", "c"])


def test_what_is_excluded_counts_as_there():
    """Neither it nor its alternatives are taken."""
    assert resolved(package("a", "x | b, c"), package("b"), package("c"), excluded={"x"}) == ["a", "c"]


def test_a_need_that_nothing_satisfies_is_named():
    """With the package that has it."""
    with pytest.raises(ArchiveError, match=r"satisfies 'b \(>= 2\) \| x', which a needs"):
        resolved(package("a", "b (>= 2) | x"), package("b"))


def test_a_missing_root_is_named():
    """The archive lacks what every base needs."""
    with pytest.raises(ArchiveError, match="no package 'a'"):
        resolve(["a"], lambda _: None, frozenset())
