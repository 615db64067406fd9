"""Packages → a root file system, to the byte."""

from dataclasses import replace
from pathlib import Path

from lading.debian.assemble import assemble
from lading.debian.deb import Deb
from lading.debian.layer import archive
from lading.debian.layers import TRANSFORM
from lading.debian.unpack import Unpacker
from lading.digest import Digest

from tests.builder.debian.small_archive import Recipe

CONTROL = "Package: a\nVersion: 1.0-1\nArchitecture: amd64\n"
"""Not as the machine of the test has built it, whose architecture it would name."""


def test_bases_never_change(tmp_path):
    """A digest of a fixed package; where it must change, ``TRANSFORM`` is counted up with it.

    Else a machine that has built before goes on with the old layers, and makes other images than a new one.
    """
    files: dict[str, bytes | str | Path] = {
        "usr/bin/python3.11": b"#!",
        "lib/a/data": b"x",
        "usr/share/doc/a/copyright": b"free",
        "usr/share/doc/b": "a",
        "usr/share/man/man1/a.1.gz": b"x",
        "usr/share/ca-certificates/mozilla/ca.crt": b"certificate",
    }
    deb = Recipe("a", files=files, programs=("usr/bin/python3.11",)).build(tmp_path)

    unpacked = replace(Unpacker(tmp_path).unpack(Deb(deb, "a")), control=CONTROL)
    root = assemble([unpacked], "amd64", "python3.11")

    assert (TRANSFORM, Digest.of(b"".join(archive(root))).hex[:16]) == (2, "c0376270abfcb320")
