"""Blobs that do not come as they should."""

import pytest
from lading.digest import Digest
from lading.errors import DigestMismatch, LadingError
from lading.oci.descriptor import Descriptor
from lading.oci.registry.registries import Registries
from lading.reference import ImageRef

from tests.builder.oci.registry.conftest import settings
from tests.registries.web import serving

DATA = bytes(range(256)) * 1000


def blob(registries: Registries, port: int, cache=None):
    """Return the blob of the data at *port*."""
    source = registries.source(ImageRef.parse(f"localhost:{port}/a:1"), cache)
    return source.blob(Descriptor("text/plain", Digest.of(DATA), len(DATA)))


def handing(answers):
    """Return a handler that gives these statuses, headers and bodies in turn to those who ask for a blob."""

    def handle(handler):
        if "/blobs/" not in handler.path:
            handler.answer(200)
            return
        status, data, headers = answers.pop(0)
        handler.answer(status, data, Connection="close", **headers)

    return handle


CUT = (200, DATA[:1000], {"Content_Length": str(len(DATA))})


@pytest.mark.parametrize(
    "second",
    [
        (206, DATA[1000:], {"Content_Range": f"bytes 1000-{len(DATA) - 1}/{len(DATA)}"}),
        (206, DATA[1000:], {}),
        (206, DATA[500:], {"Content_Range": f"bytes 500-{len(DATA) - 1}/{len(DATA)}"}),
        (200, DATA, {}),
    ],
)
def test_what_broke_is_taken_up(registries, second):
    """Whether the registry starts there, earlier, or at the beginning."""
    with serving(handing([CUT, second])) as port:
        assert b"".join(blob(registries, port).chunks()) == DATA


def test_a_part_that_is_left_out_is_asked_for_again(registries):
    """A registry that starts too late is not believed."""
    late = (206, DATA[2000:], {"Content_Range": f"bytes 2000-{len(DATA) - 1}/{len(DATA)}"})
    with serving(handing([CUT, late, (200, DATA, {})])) as port:
        assert b"".join(blob(registries, port).chunks()) == DATA


def test_bytes_from_the_middle(registries):
    """Whoever continues an upload needs no more."""
    part = (206, DATA[300:], {"Content_Range": f"bytes 300-{len(DATA) - 1}/{len(DATA)}"})
    with serving(handing([part])) as port:
        assert b"".join(blob(registries, port).chunks(300)) == DATA[300:]


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ([(200, DATA + b"x", {})], f"it has more than {len(DATA)} bytes"),
        ([(200, b"x" + DATA[1:], {})], "got sha256:"),
        ([(200, DATA[:-1], {})] + [(200, b"", {})] * 9, "it ended too early"),
        ([(404, b'{"errors": [{"code": "BLOB_UNKNOWN"}]}', {})], "404 BLOB_UNKNOWN"),
        ([(500, b"", {})] * 9, "a problem of its own"),
    ],
)
def test_what_is_not_the_blob_is_refused(registries, answers, reason):
    """Too much, too little, something else, or nothing; the error names the blob."""
    with serving(handing(answers)) as port, pytest.raises(LadingError, match=reason) as caught:
        list(blob(registries, port).chunks())

    assert str(Digest.of(DATA)) in str(caught.value)


def test_a_kept_blob_is_fetched_once(registries, store):
    """Also when it came damaged the first time; later it is read from the store."""
    with serving(handing([(200, b"x" + DATA[1:], {}), (200, DATA, {})])) as port:
        assert b"".join(blob(registries, port, store).chunks()) == DATA
        assert b"".join(blob(registries, port, store).chunks(1000)) == DATA[1000:]


def test_a_blob_that_is_always_damaged_is_not_kept(store):
    """After some attempts it is an error."""
    handler = handing([(200, b"x" + DATA[1:], {})] * 9)
    told = pytest.raises(DigestMismatch, match="is not what it should be")
    with serving(handler) as port, Registries(settings()) as registries, told:
        list(blob(registries, port, store).chunks())

    assert store.find(Digest.of(DATA)) is None
