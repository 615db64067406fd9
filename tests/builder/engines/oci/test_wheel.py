"""Wheels as archives, and what nobody gets into an image with one."""

import stat
import struct
import warnings
import zipfile
import zlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lading.engines.oci.wheel import inflate, packed, read, read_members
from lading.errors import InvalidWheel

SOURCE = b"print('hello')\n" * 100


def entry(name: str, mode: int = 0o100644) -> zipfile.ZipInfo:
    """Return a member of a given mode."""
    made = zipfile.ZipInfo(name)
    made.external_attr = mode << 16
    return made


def reread(wheel):
    """Return all contents of a wheel by name, through our reader."""
    with wheel.open("rb") as file:
        return {member.name: read(file, member.span) for member in read_members(wheel)}


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_members_are_read_without_unpacking(make_wheel, method):
    """Contents are found in the file itself, compressed or not."""
    wheel = make_wheel({"demo.py": SOURCE, "empty.py": b""}, method=method)

    with zipfile.ZipFile(wheel) as archive:
        assert reread(wheel) == {name: archive.read(name) for name in archive.namelist()}


def test_only_the_executable_bit_counts(make_wheel):
    """A file is a program or not, whatever else its mode says."""
    wheel = make_wheel({"a.sh": b"", "b.py": b""}, executable=["a.sh"])

    executable = {member.name for member in read_members(wheel) if member.is_executable}

    assert executable == {"a.sh"}


def test_a_file_that_is_no_archive_is_named(tmp_path):
    """The error says which wheel it is."""
    wheel = tmp_path / "demo-1.0-py3-none-any.whl"
    wheel.write_bytes(b"<html>not found</html>")

    with pytest.raises(InvalidWheel, match=r"demo-1\.0-py3-none-any\.whl: no readable zip archive"):
        read_members(wheel)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("../evil.py", "leaves the folder"),
        ("a/../../evil.py", "leaves the folder"),
        ("/etc/cron.d/evil", "leaves the folder"),
        ("a//b.py", "leaves the folder"),
        ("./a.py", "leaves the folder"),
        ("C:/evil.py", "leaves the folder"),
        ("a\\..\\evil.py", "must not have"),
        ("a/.wh.b", "deletion"),
        (".wh..wh..opq", "deletion"),
    ],
)
def test_a_member_outside_of_its_folder_is_refused(tmp_path, name, reason):
    """No name leads elsewhere or means something else in a layer; the error tells it."""
    wheel = tmp_path / "demo-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(entry(name), b"evil")

    with pytest.raises(InvalidWheel, match=reason) as caught:
        read_members(wheel)

    assert repr(name) in str(caught.value)


def test_a_nul_in_a_name_is_refused(make_wheel):
    """What some readers cut off, others do not."""
    wheel = make_wheel({"evil_.py": b"x"})
    wheel.write_bytes(wheel.read_bytes().replace(b"evil_.py", b"evil\0.py"))

    with pytest.raises(InvalidWheel, match="character that paths must not have"):
        read_members(wheel)


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_links_and_devices_are_refused(tmp_path, kind):
    """Wheels have files only."""
    wheel = tmp_path / "demo-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(entry("link", kind | 0o777), b"/etc/passwd")

    with pytest.raises(InvalidWheel, match="'link' is a link or a device"):
        read_members(wheel)


def test_a_name_that_is_there_twice_is_refused(tmp_path):
    """Which of the two counts, installers do not agree on."""
    wheel = tmp_path / "demo-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        archive.writestr(entry("a.py"), b"1")
        archive.writestr(entry("a.py"), b"2")

    with pytest.raises(InvalidWheel, match=r"'a\.py' is there twice"):
        read_members(wheel)


def test_an_encrypted_member_is_refused(make_wheel):
    """Nobody could read it in the image."""
    wheel = make_wheel({"demo.py": SOURCE})
    data = bytearray(wheel.read_bytes())
    directory = data.index(b"PK\x01\x02")
    data[directory + 8] |= 1
    wheel.write_bytes(data)

    with pytest.raises(InvalidWheel, match=r"'demo\.py' is encrypted"):
        read_members(wheel)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_compressions_are_refused(make_wheel, method):
    """Only stored and deflated members can be part of a gzip file."""
    wheel = make_wheel({"demo.py": SOURCE}, method=method)

    with pytest.raises(InvalidWheel, match="neither as stored nor as deflated"):
        read_members(wheel)


def test_two_names_for_one_member_are_refused(make_wheel):
    """The name before the data and the one in the directory must be the same."""
    wheel = make_wheel({"good.py": SOURCE})
    data = wheel.read_bytes()
    wheel.write_bytes(data.replace(b"good.py", b"evil.py", 1))

    with pytest.raises(InvalidWheel, match=r"'good\.py' is not where the directory says"):
        read_members(wheel)


def test_members_that_share_bytes_are_refused(make_wheel):
    """A bomb lets many names stand for the same stream."""
    wheel = make_wheel({"aaaaa.py": SOURCE, "bbbbb.py": SOURCE})
    data = bytearray(wheel.read_bytes())
    directory = data.index(b"PK\x01\x02")
    struct.pack_into("<I", data, directory + 20, 100_000)
    wheel.write_bytes(data)

    with pytest.raises(InvalidWheel, match=r"'aaaaa\.py' overlaps what follows it"):
        read_members(wheel)


def test_a_bomb_is_refused_before_it_is_opened(make_wheel):
    """What claims to be a hundred times as large as it is, and gigabytes, is no package."""
    wheel = make_wheel({"zeros.bin": bytes(10_000)})
    data = bytearray(wheel.read_bytes())
    struct.pack_into("<I", data, data.index(b"PK\x01\x02") + 24, 3 << 30)
    wheel.write_bytes(data)

    with pytest.raises(InvalidWheel, match="claim to hold"):
        read_members(wheel)


def damaged(wheel, offset_in_entry: int, value: int):
    """Overwrite a field in the directory's first entry."""
    data = bytearray(wheel.read_bytes())
    struct.pack_into("<I", data, data.index(b"PK\x01\x02") + offset_in_entry, value)
    wheel.write_bytes(data)
    return wheel


@pytest.mark.parametrize("field", [16, 24], ids=["crc", "size"])
def test_a_directory_that_lies_is_found_out(make_wheel, field):
    """CRC and size are checked when the contents are read; the error names the file."""
    wheel = damaged(make_wheel({"demo.py": SOURCE}), field, 77)

    with pytest.raises(InvalidWheel, match=r"contents of 'demo\.py'"):
        reread(wheel)


def test_nothing_hides_behind_the_end_of_a_stream(make_wheel):
    """A DEFLATE stream that ends early would let what follows it become entries of the layer."""
    wheel = make_wheel({"demo.py": SOURCE})
    (member,) = (member for member in read_members(wheel) if member.name == "demo.py")
    stream = zlib.compressobj(9, wbits=-15)
    short = stream.compress(b"short") + stream.flush()
    data = bytearray(wheel.read_bytes())
    start = member.span.offset_bytes
    data[start : start + len(short)] = short
    wheel.write_bytes(data)
    for field, value in ((16, zlib.crc32(b"short")), (24, 5)):
        damaged(wheel, field, value)

    with pytest.raises(InvalidWheel, match=r"contents of 'demo\.py'"):
        reread(wheel)


def test_a_truncated_file_is_an_error(make_wheel):
    """A wheel that is shorter than when its directory was read is never half a layer."""
    wheel = make_wheel({"demo.bin": bytes(range(256)) * 40}, method=zipfile.ZIP_STORED)
    (member, *_) = read_members(wheel)
    wheel.write_bytes(wheel.read_bytes()[:2000])

    with wheel.open("rb") as file, pytest.raises(InvalidWheel, match="ends too early"):
        list(packed(file, member.span))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_damage_is_found_or_changes_nothing(make_wheel, data):
    """Whatever byte of a wheel changes, its files are the same, have other names, or it is refused."""
    wheel = make_wheel({"demo.py": SOURCE, "raw.bin": bytes(range(256))})
    before = set(reread(wheel).values())
    content = bytearray(wheel.read_bytes())
    position = data.draw(st.integers(0, len(content) - 1))
    content[position] ^= data.draw(st.integers(1, 255))
    wheel.write_bytes(content)

    try:
        after = set(reread(wheel).values())
    except InvalidWheel:
        return
    assert after <= before


def test_large_members_are_read_in_pieces(make_wheel):
    """No more than a few megabytes are in memory, however large a file is."""
    wheel = make_wheel({"large.bin": bytes(20_000_000)})
    (member,) = (member for member in read_members(wheel) if member.name == "large.bin")

    with wheel.open("rb") as file:
        sizes = [len(chunk) for chunk in inflate(file, member.span)]

    assert (sum(sizes), max(sizes)) == (20_000_000, 4 << 20)
