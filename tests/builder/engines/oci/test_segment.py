"""A wheel's piece of a layer."""

import gzip
import hashlib
import zipfile
from collections.abc import Iterator

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lading.digest import Digest
from lading.engines.oci.placing import place
from lading.engines.oci.scheme import Scheme
from lading.engines.oci.segment import Segment, compressed, make_segment, plain
from lading.engines.oci.segments import LayerWheel, Segments
from lading.engines.oci.wheel import Span, packed
from lading.environment import PythonMinor
from lading.oci.tar import END

SCHEME = Scheme("/opt/env", PythonMinor(3, 11))
CONTENTS = st.binary(max_size=200) | st.builds(
    lambda seed, size: hashlib.shake_128(seed).digest(size), st.binary(max_size=4), st.integers(200, 150_000)
)


def segment_of(wheel, scheme=SCHEME) -> Segment:
    """Return the segment of a wheel."""
    return make_segment(wheel, place(wheel, scheme), scheme.target)


def joined(segment, wheel) -> bytes:
    """Return a segment's compressed bytes."""
    with wheel.open("rb") as file:
        return b"".join(
            chunk
            for part in compressed(segment)
            for chunk in (packed(file, part) if isinstance(part, Span) else [part])
        )


def layer_wheel(wheel) -> LayerWheel:
    """Return what a store keys a segment by."""
    return LayerWheel("demo", "1.0", wheel, Digest.of_file(wheel), wheel.stat().st_size)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(st.text("abcdef", min_size=1, max_size=5), CONTENTS, max_size=4),
    st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]),
)
def test_both_forms_are_the_same_archive(make_wheel, unpack, files, method):
    """What the compressed form holds is the plain form, and that has the wheel's files, in order."""
    wheel = make_wheel(files, method=method)
    segment = segment_of(wheel)
    with wheel.open("rb") as file:
        archive = b"".join(plain(segment, file))

    assert gzip.decompress(joined(segment, wheel)) == archive
    assert list(unpacked(unpack, archive)) == [
        (f"opt/env/lib/python3.11/site-packages/{name}", content)
        for name, content in sorted({**contents(wheel)}.items())
    ]


def contents(wheel) -> dict[str, bytes]:
    """Return a wheel's files."""
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def unpacked(unpack, archive: bytes) -> Iterator[tuple[str, bytes]]:
    """Give the files of an archive without its end, in order."""
    found = unpack([])
    found.add(archive + END)
    yield from found.contents.items()


def test_a_segment_can_be_kept(make_wheel):
    """Encoded and decoded, it is the same."""
    segment = segment_of(make_wheel({"a.py": b"x" * 5000, "ü.py": b"", "b.py": b"y" * 300}))

    assert Segment.decode(segment.encode()) == segment


def test_what_is_kept_is_small(make_wheel):
    """The wheel's streams stay in the wheel."""
    wheel = make_wheel({f"{n}.bin": hashlib.shake_128(b"%d" % n).digest(20_000) for n in range(50)})

    assert len(segment_of(wheel).encode()) < wheel.stat().st_size / 50


def test_a_segment_is_made_once(make_wheel, store):
    """The second time, the wheel is not even opened."""
    wheel = make_wheel({"a.py": b"x" * 5000})
    segments, wanted = Segments(store, SCHEME), layer_wheel(wheel)
    first = segments.get(wanted)
    wheel.unlink()

    assert segments.get(wanted) == first


def test_another_folder_or_python_is_another_segment(make_wheel, store):
    """Neither prefix nor Python are mixed up."""
    wanted = layer_wheel(make_wheel({"a.py": b"x" * 5000}))
    schemes = [
        Scheme(target, PythonMinor(3, minor)) for target in ("/opt/env", "/opt/lading") for minor in (10, 11)
    ]

    assert len({Segments(store, scheme).get(wanted) for scheme in schemes}) == 4
