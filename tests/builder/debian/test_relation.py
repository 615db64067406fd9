"""Dependencies as packages write them."""

import pytest
from lading.debian.relation import Relation, parse_relations
from lading.debian.version import DebianVersion
from lading.errors import ArchiveError


def test_groups_alternatives_and_versions_are_read():
    """Architecture qualifiers are left out: a base is of one architecture."""
    found = parse_relations("libc6 (>= 2.36),\n python3:any (<< 3.12) | b")

    assert found == (
        (Relation("libc6", ">=", DebianVersion("2.36")),),
        (Relation("python3", "<<", DebianVersion("3.12")), Relation("b")),
    )
    assert next(str(relation) for group in found for relation in group) == "libc6 (>= 2.36)"


@pytest.mark.parametrize(
    ("relation", "allowed"),
    [("<<", "0"), ("<=", "01"), ("=", "1"), (">=", "12"), (">>", "2"), ("", "012")],
)
def test_a_relation_allows_the_versions_that_it_names(relation, allowed):
    """As in Debian Policy, section 7.1."""
    version = DebianVersion("1") if relation else None

    found = [each for each in "012" if Relation("a", relation, version).allows(DebianVersion(each))]

    assert found == list(allowed)


def test_what_cannot_be_read_is_an_error():
    """An unknown form is not guessed."""
    with pytest.raises(ArchiveError, match=r"cannot be read: 'b \(~> 1\)'"):
        parse_relations("a, b (~> 1)")


def test_nothing_needs_nothing():
    """Most small packages have no dependencies."""
    assert parse_relations("") == ()
