"""Which C library a base has."""

import gzip
from dataclasses import replace
from pathlib import Path

import pytest
from lading.engines.oci.glibc import glibc_of
from lading.oci import media_types
from lading.oci.blob import BytesBlob
from lading.oci.descriptor import Descriptor
from lading.store import Store

from tests.registries.images import layer

BANNER = b"\0" * 70_000 + b"GNU C Library (Debian GLIBC 2.36-9+deb12u10) stable release version 2.36.\n"


@pytest.fixture
def store(tmp_path) -> Store:
    """An empty store."""
    return Store(tmp_path)


@pytest.mark.parametrize(
    ("created_by", "version"),
    [
        ("lading: the system of debian:bookworm", (2, 36)),
        ("# debian.sh --arch 'amd64' out/ 'trixie' '@1723680000'", (2, 41)),
    ],
)
def test_the_suites_of_debian_are_known(store, created_by, version):
    """What the lowest layer says of itself is enough; its bytes are not read."""
    unread = replace(layer(b"no library"), created_by=created_by)

    assert glibc_of([unread], store) == version


def test_the_library_says_which_it_is(store):
    """In any layer, compressed or not, under either of its names; the second time nothing is read."""
    plain = layer(BANNER, "lib/x86_64-linux-gnu/libc-2.36.so")
    data = gzip.compress(b"".join(layer(BANNER, "usr/lib/libc.so.6").blob.chunks()))
    packed = replace(
        layer(BANNER, "usr/lib/libc.so.6"),
        descriptor=Descriptor.of(media_types.TAR_GZIP, data),
        blob=BytesBlob(data),
    )

    assert glibc_of([layer(b"something else"), plain], store) == (2, 36)
    assert glibc_of([packed], store) == (2, 36)
    assert glibc_of([replace(packed, blob=BytesBlob(b"gone"))], store) == (2, 36)


def test_other_libraries_are_none(store):
    """A base with musl has no version that could be compared."""
    assert glibc_of([layer(b"musl libc (x86_64) Version 1.2.5", "lib/ld-musl-x86_64.so.1")], store) is None
    assert glibc_of([], store) is None


def test_the_library_of_this_machine_says_which_it_is(store):
    """Real libraries have that line."""
    path = next(iter(Path("/lib").glob("*-linux-gnu/libc.so.6")))
    found = glibc_of([layer(path.read_bytes(), "lib/libc.so.6")], store)

    assert found is not None
    assert found >= (2, 28)
