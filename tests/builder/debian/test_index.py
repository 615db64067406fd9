"""What an index offers."""

import re

import pytest
from lading.debian.index import PackageIndex, best
from lading.digest import Digest
from lading.errors import ArchiveError

DIGEST = Digest.of(b"x").hex
PARAGRAPH = f"""Package: a
Version: 1.0-1
Pre-Depends: b (>= 1)
Depends: c,
 d | e
Filename: ./pool/main/a/a_1.0-1_amd64.deb
Size: 17
SHA256: {DIGEST}
Description: a package
 Package: x
"""
HIGHER = PARAGRAPH.replace("1.0-1", "1.0-2")


def test_a_package_is_found_by_its_name():
    """With everything that is needed to fetch it; text that looks like a name is none."""
    index = PackageIndex.parse("debian", f"{PARAGRAPH}\n{HIGHER}".encode())

    lower, higher = index.find("a")
    assert (lower.path, lower.size_bytes, lower.digest) == (
        "pool/main/a/a_1.0-1_amd64.deb",
        17,
        Digest(DIGEST),
    )
    assert [[relation.name for relation in group] for group in lower.depends] == [["b"], ["c"], ["d", "e"]]
    assert best([index], "a") == higher
    assert index.find("x") == ()
    assert best([index], "x") is None
    assert index.names(re.compile(rb"[a-z]")) == ("a",)


@pytest.mark.parametrize(
    ("line", "other"),
    [
        (f"SHA256: {DIGEST}\n", ""),
        ("Size: 17", "Size: many"),
        ("./pool/main/a/", "../"),
        ("./pool/main/a/", "pool/../../"),
        ("./pool/main/a/", "/"),
        ("./pool/main/a/", "http://elsewhere.example.org/?"),
    ],
)
def test_a_paragraph_that_cannot_be_read_is_an_error(line, other):
    """What lacks a digest, or is elsewhere, is no package."""
    index = PackageIndex.parse("debian", PARAGRAPH.replace(line, other).encode())

    with pytest.raises(ArchiveError, match="package index of debian cannot be read"):
        index.find("a")
