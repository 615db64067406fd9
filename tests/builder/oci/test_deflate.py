"""DEFLATE streams, read by both libraries."""

import zlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from isal import isal_zlib
from lading.oci import deflate


@pytest.fixture(params=["zlib", "isal"], autouse=True)
def library(request, monkeypatch) -> None:
    """Read with either library."""
    module = {"zlib": zlib, "isal": isal_zlib}[request.param]
    monkeypatch.setattr(deflate, "_open", module.decompressobj)


def deflated(data: bytes, level: int = 6) -> bytes:
    """Return *data* as a stream."""
    stream = zlib.compressobj(level, wbits=-zlib.MAX_WBITS)
    return stream.compress(data) + stream.flush()


def pieces(data: bytes, size: int) -> list[bytes]:
    """Return *data* in pieces of a size."""
    return [data[start : start + size] for start in range(0, len(data), size)]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(max_size=3000), st.integers(0, 9), st.integers(1, 4000))
def test_a_stream_gives_what_went_in(data, level, size):
    """However it was compressed, and in whatever pieces it comes."""
    assert b"".join(deflate.inflate(pieces(deflated(data, level), size))) == data


@pytest.mark.parametrize("size", [(4 << 20) - 1, 4 << 20, (4 << 20) + 1, 20_000_000])
def test_much_from_little_comes_in_pieces(size):
    """What a few kilobytes hold is never in memory at once, and nothing of it is lost."""
    sizes = [len(chunk) for chunk in deflate.inflate([deflated(bytes(size))])]

    assert sum(sizes) == size
    assert max(sizes) <= 4 << 20


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(min_size=1, max_size=500), st.binary(min_size=1, max_size=20), st.integers(1, 600))
def test_nothing_may_follow_a_stream(data, more, size):
    """Bytes behind the end are an error, in the same piece or in the next."""
    with pytest.raises(ValueError, match="behind the end"):
        list(deflate.inflate(pieces(deflated(data) + more, size)))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(min_size=1, max_size=500), st.data())
def test_a_stream_has_an_end(data, draw):
    """One that was cut off is an error."""
    stream = deflated(data)
    cut = draw.draw(st.integers(0, len(stream) - 1))

    with pytest.raises(ValueError, match="end of the stream"):
        list(deflate.inflate([stream[:cut]]))


def test_what_is_no_stream_is_an_error():
    """The library's own error is not shown to callers."""
    with pytest.raises(ValueError, match=r"\w"):
        list(deflate.inflate([b"\xff" * 100]))
