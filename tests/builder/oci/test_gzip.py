"""Gzip members, read by the programs that everybody has."""

import gzip as reader
import shutil
import subprocess
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lading.oci import gzip
from lading.oci.tar import TarEntry

RUNS = st.lists(st.tuples(st.sampled_from([b"\0", b"0", b"x", b"\xff"]), st.integers(1, 600)), max_size=8)


@given(st.binary(max_size=2000))
def test_a_member_holds_what_it_was_made_of(data):
    """Whatever the bytes, a reader gets them back."""
    assert reader.decompress(gzip.member(data)) == data


@given(RUNS)
def test_runs_of_every_length_come_out_again(runs):
    """Runs shorter and longer than a repetition can be are read as they were."""
    data = b"".join(byte * count for byte, count in runs)

    assert reader.decompress(gzip.member(data)) == data


@pytest.mark.parametrize("size", [0xFFFE, 0xFFFF, 0x10000, 0x1FFFE, 0x1FFFF])
def test_long_data_is_stored_in_several_blocks(size):
    """A stored block ends at 64 KiB; the next one goes on."""
    data = bytes(range(256)) * (size // 256) + b"x" * (size % 256)

    assert reader.decompress(gzip.member(data)) == data


def test_members_never_change():
    """The bytes are part of every image's digest: no compressor, day or machine has a say in them."""
    assert gzip.member(b"").hex() == "1f8b08000000000000ff0300" + "00" * 8
    assert gzip.member(b"a" + bytes(300) + b"\xff").hex() == (
        "1f8b08000000000000ff4b6418050cc482ff004095a9b42e010000"
    )


def test_a_tar_header_takes_a_third_of_its_block():
    """Eleven thousand headers are a megabyte and a half, not six."""
    header = TarEntry("opt/env/lib/python3.11/site-packages/sklearn/linear_model/_base.py").header()

    assert len(gzip.member(header)) < 170


@given(st.binary(min_size=1, max_size=5000), st.integers(1, 9))
def test_any_deflate_stream_becomes_a_member(data, level):
    """A stream that some other program compressed is read from between header and trailer."""
    compressor = zlib.compressobj(level, wbits=-zlib.MAX_WBITS)
    stream = compressor.compress(data) + compressor.flush()

    packed = gzip.HEADER + stream + gzip.trailer(zlib.crc32(data), len(data))

    assert reader.decompress(packed) == data


def test_the_size_is_kept_modulo_four_gibibytes():
    """RFC 1952 has 32 bits for it; readers compare no more."""
    assert gzip.trailer(0, (5 << 32) + 7) == bytes(4) + b"\x07\0\0\0"


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=5))
def test_members_are_one_file_together(pieces):
    """Members that follow each other hold what follows each other."""
    assert reader.decompress(b"".join(map(gzip.member, pieces))) == b"".join(pieces)


def test_the_gzip_program_finds_nothing_wrong(tmp_path):
    """``gzip -t`` checks every CRC and size."""
    file = tmp_path / "members.gz"
    file.write_bytes(gzip.member(b"one" * 1000) + gzip.member(b"") + gzip.member(bytes(100_000)))

    program = str(shutil.which("gzip"))

    assert subprocess.run([program, "-t", file], check=False).returncode == 0
