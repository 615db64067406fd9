"""Which name of a layout stands for which image."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lading.digest import Digest
from lading.errors import BuildFailed
from lading.oci import media_types, names
from lading.oci.descriptor import Descriptor
from lading.oci.entries import entries_of, find, merge
from lading.reference import ImageRef


def entries(text: str, *refs: str) -> tuple[Descriptor, ...]:
    """Return the entries of an image under some names."""
    descriptor = Descriptor(media_types.MANIFEST, Digest.of(text.encode()), 1)
    return entries_of(descriptor, [ImageRef.parse(ref) for ref in refs])


def tagged(text: str, tag: str) -> Descriptor:
    """Return an entry as skopeo writes it, without a whole name."""
    (plain,) = entries(text)
    return plain.annotated({names.TAG: tag})


def test_an_image_of_the_same_name_is_replaced_where_it_stands():
    """The order of an index does not change from build to build."""
    old = (*entries("a", "a:1"), *entries("b", "b:2"))

    assert merge(old, entries("new", "a:1")) == (*entries("new", "a:1"), *entries("b", "b:2"))


def test_a_tag_stands_for_the_newest_image():
    """Podman and skopeo know only tags; the other image keeps its whole name."""
    merged = merge(entries("a", "iris:latest"), entries("b", "wine:latest"))

    assert [each.digest for each in find(merged, "latest")] == [Digest.of(b"b")]
    assert [each.digest for each in find(merged, "docker.io/library/iris:latest")] == [Digest.of(b"a")]


def test_a_tag_of_another_writer_is_taken_over():
    """Where nothing but the tag named the old image, it has no name any more and goes."""
    merged = merge((tagged("a", "1"), tagged("b", "2")), entries("new", "iris:1"))

    assert merged == (tagged("b", "2"), *entries("new", "iris:1"))


def test_an_image_without_a_name_is_there_once():
    """Written again, it is the same entry; another one is another."""
    merged = merge(entries("a"), entries("a"))

    assert merged == entries("a")
    assert merge(merged, entries("b")) == (*entries("a"), *entries("b"))


REFS = st.lists(st.sampled_from(["a:1", "a:2", "b:1", "x.example/a:1", "x.example/b:3"]), unique=True)


@given(st.lists(st.tuples(st.sampled_from("pqr"), REFS), max_size=6))
def test_a_name_stands_for_the_image_that_got_it_last(writes):
    """And every tag for the one that got that last; no name is there twice."""
    merged: tuple[Descriptor, ...] = ()
    whole: dict[str, Digest] = {}
    tags: dict[str, Digest] = {}
    for text, refs in writes:
        written = entries(text, *refs)
        merged = merge(merged, written)
        for entry in written if refs else ():
            whole[entry.annotations[names.FULL_NAME]] = entry.digest
            tags[entry.annotations[names.TAG]] = entry.digest

    for name, digest in [*whole.items(), *tags.items()]:
        assert [each.digest for each in find(merged, name)] == [digest]
    assert merge(merged, ()) == merged


def test_what_is_not_there_is_refused():
    """The error lists what is."""
    with pytest.raises(BuildFailed, match=r"it has: 1, docker\.io/library/a:1"):
        find(entries("a", "a:1"), "2")
    with pytest.raises(BuildFailed, match="it has no image"):
        find((), None)
