"""Packages → files."""

import io
import tarfile

import pytest
from lading.debian.deb import Deb
from lading.debian.unpack import Unpacker
from lading.errors import ArchiveError
from lading.oci.tar import Kind

from tests.builder.debian.small_archive import Recipe


@pytest.fixture
def unpack(tmp_path):
    """What unpacks a package file."""
    (tmp_path / "contents").mkdir()
    unpacker = Unpacker(tmp_path / "contents")
    return lambda deb: unpacker.unpack(Deb(deb, "a"))


def crafted(folder, *members):
    """Return a package whose data archive has *members*, whatever they are."""
    deb = Recipe("a").build(folder)
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as archive:
        for member in members:
            archive.addfile(member, io.BytesIO(bytes(member.size)))
    content = deb.read_bytes()
    start = content.index(b"data.tar.xz")
    size = len(data.getvalue())
    header = content[start : start + 60].replace(b"data.tar.xz", b"data.tar.gz")
    deb.write_bytes(content[:start] + header[:48] + b"%-10d" % size + header[58:] + data.getvalue())
    return deb


def member(name, kind=tarfile.REGTYPE, target="", size=0):
    """Return a member of a data archive."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size, info.mode = kind, target, size, 0o4755
    return info


def test_files_keep_contents_and_modes(unpack, tmp_path):
    """Folders, links, programs and files come out as the package has them."""
    recipe = Recipe(
        "a",
        files={"usr/bin/a": b"#!", "etc/a": b"a", "lib/b": b"b", "usr/lib/c": "../../lib/b"},
        programs=("usr/bin/a",),
    )

    nodes = dict(unpack(recipe.build(tmp_path)).nodes)

    assert {path: (node.mode, node.data) for path, node in nodes.items() if node.kind is Kind.FILE} == {
        "usr/bin/a": (0o755, b"#!"),
        "etc/a": (0o644, b"a"),
        "usr/lib/b": (0o644, b"b"),
    }
    assert nodes["usr/lib/c"].target == "../../lib/b"
    assert nodes["usr/bin"].kind is Kind.FOLDER


def test_documents_are_left_out_and_licences_stay(unpack, tmp_path):
    """With their lines in the list of checksums."""
    files = {f"usr/share/{path}": b"x" for path in ("doc/a/copyright", "doc/a/README", "man/man1/a.1.gz")}
    files |= {"usr/share/locale/de/a.mo": b"x", "usr/share/doc-x/a": b"x", "lib/a/b": b"x"}

    unpacked = unpack(Recipe("a", files=files).build(tmp_path))

    kept = [path for path, node in unpacked.nodes if node.kind is Kind.FILE]
    assert kept == ["usr/lib/a/b", "usr/share/doc/a/copyright", "usr/share/doc-x/a"]
    assert [line.split("  ")[1] for line in unpacked.checksums.splitlines()] == [
        "usr/share/doc/a/copyright",
        "usr/share/doc-x/a",
        "usr/lib/a/b",
    ]
    assert "Package: a\n" in unpacked.control


def test_nobody_becomes_another_user(unpack, tmp_path):
    """Programs that run as their owner do so no more."""
    nodes = dict(unpack(crafted(tmp_path, member("./su"))).nodes)

    assert nodes["su"].mode == 0o755


def test_a_hard_link_is_a_copy(unpack, tmp_path):
    """Both names have the contents."""
    nodes = dict(
        unpack(crafted(tmp_path, member("./a", size=3), member("./b", tarfile.LNKTYPE, "./a"))).nodes
    )

    assert nodes["a"] == nodes["b"]
    assert nodes["b"].data == bytes(3)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (member("../x"), "outside of the root: '../x'"),
        (member("./a/../../x"), "outside of the root"),
        (member("/etc/x"), "outside of the root: '/etc/x'"),
        (member("./pipe", tarfile.FIFOTYPE), "neither file, link nor folder at './pipe'"),
        (member("./null", tarfile.CHRTYPE), "neither file, link nor folder"),
        (member("./x", tarfile.LNKTYPE, "./etc/shadow"), "a link to what it has not: './etc/shadow'"),
    ],
)
def test_what_no_package_may_have_is_refused(unpack, tmp_path, bad, reason):
    """Paths that leave the root, devices, and links to nothing."""
    with pytest.raises(ArchiveError, match=reason):
        unpack(crafted(tmp_path, bad))
