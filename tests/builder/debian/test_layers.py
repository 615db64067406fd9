"""Bases out of a small archive: what is in them, and that they are always the same bytes."""

import gzip
import io
import os
import subprocess
import sys
import tarfile
from contextlib import contextmanager
from dataclasses import replace

import pytest
from lading.debian.layer import archive as tar
from lading.debian.layers import BaseLayers
from lading.debian.locking import lock_base
from lading.debian.missing import Missing
from lading.debian.root import Root, file_part
from lading.debian.root import file as root_file
from lading.digest import Digest
from lading.environment import PythonMinor
from lading.errors import DigestMismatch
from lading.progress import Silent
from lading.store import Store

from tests.builder.debian.small_archive import ARCHITECTURE, TRIPLET
from tests.conftest import run

PYTHON = PythonMinor(3, 11)


@pytest.fixture
def maker(archive, store):
    """What makes layers of the small archive's packages."""

    @contextmanager
    def opened():
        yield archive

    return BaseLayers(store, Silent(), opened)


@pytest.fixture
def lock(archive):
    """The packages of a base."""
    return lock_base(archive, "testing", ARCHITECTURE, PYTHON)


def members(layers):
    """Return the members of layers, upper over lower, and the contents of files."""
    found = {}
    for layer in layers:
        data = gzip.decompress(b"".join(layer.blob.chunks()))
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as read:
            names = read.getnames()
            assert len(names) == len(set(names))
            for member in read:
                file = read.extractfile(member) if member.isreg() else None
                found[member.name] = (member, file and file.read())
    return found


@pytest.fixture
def found(maker, lock):
    """The files of a base."""
    return members(maker.layers(lock, "python3.11"))


def test_files_are_where_a_merged_system_has_them(found):
    """``/lib`` is a link, and what packages ship there is in ``/usr/lib``."""
    assert found["lib"][0].linkname == "usr/lib"
    assert found[f"usr/lib/{TRIPLET}/libz.so.1"][0].linkname == "libz.so.1.2.13"
    assert not [name for name in found if name.startswith("lib/")]


def test_python_has_its_short_names(found):
    """``python`` and ``python3`` are the interpreter."""
    assert found["usr/bin/python3"][0].linkname == "python3.11"
    assert found["usr/bin/python"][0].linkname == "python3"
    assert found["usr/bin/python3.11"][0].mode == 0o755


def test_certificates_are_one_sorted_bundle(found):
    """Each ends with a newline, and OpenSSL's own folder leads there."""
    assert found["etc/ssl/certs/ca-certificates.crt"][1] == b"first\nsecond\n"
    assert found["usr/lib/ssl/cert.pem"][0].linkname == "/etc/ssl/certs/ca-certificates.crt"


def test_accounts_and_their_folders_are_there(found):
    """Root, nobody and the one who runs; temporary folders for everybody."""
    assert b"nonroot:x:65532:65532:" in found["etc/passwd"][1]
    home = found["home/nonroot"][0]
    assert (home.uid, home.gid, home.mode) == (65532, 0, 0o770)
    assert [found[name][0].mode for name in ("tmp", "var/tmp", "root")] == [0o1777, 0o1777, 0o700]


def test_scanners_find_the_packages(found, debs):
    """As in distroless images: a control file for each package, and its checksums beside."""
    control = found["var/lib/dpkg/status.d/zlib1g"][1].decode()
    assert control == run("dpkg-deb", "--field", debs["zlib1g"])
    assert found["var/lib/dpkg/status.d/netbase.md5sums"][1].decode().endswith("  etc/services\n")
    packages = [name for name in found if name.startswith("var/lib/dpkg/status.d/") and "md5" not in name]
    assert len(packages) == 15


def test_what_no_program_reads_is_left_out(found):
    """Licences stay."""
    assert found["usr/share/doc/gcc-12-base/copyright"][1] == b"free"
    assert found["usr/share/doc/libgcc-s1"][0].linkname == "gcc-12-base"
    assert not {"usr/share/doc/gcc-12-base/changelog.gz", "usr/share/zoneinfo/right"} & found.keys()


def test_everything_has_the_same_time_and_no_names(found):
    """Nothing in a layer tells when or by whom it was made."""
    assert {(member.mtime, member.uname, member.gname) for member, _ in found.values()} == {
        (315532801, "", "")
    }


def test_the_systems_layer_does_not_depend_on_python(maker, archive, lock):
    """Registries have it once, whatever interpreter is put on it."""
    without = lock_base(archive, "testing", ARCHITECTURE, None)

    assert maker.layers(lock, "python3.11")[0] == maker.layers(without, None)[0]
    assert len(maker.layers(without, None)) == 1


def test_layers_are_made_once(maker, lock, host):
    """The second time, nothing is read but the layers themselves, not even packages."""
    first = maker.layers(lock, "python3.11")
    host.requests.clear()
    for package in lock.packages:
        maker.store.path(package.digest).unlink()

    assert maker.layers(lock, "python3.11") == first
    assert host.requests == []


def test_a_lost_layer_is_made_again(maker, lock):
    """The same bytes, out of the packages of the lock."""
    first = maker.layers(lock, "python3.11")
    maker.store.path(first[1].descriptor.digest).unlink()

    assert maker.layers(lock, "python3.11") == first
    assert maker.store.find(first[1].descriptor.digest)


def test_a_tampered_package_is_refused(maker, lock, host, store):
    """It is named, and nothing of it is kept."""
    deb = next(host.folder.glob("debian/pool/tzdata_*.deb"))
    deb.write_bytes(deb.read_bytes().replace(b"\n", b" ", 1))

    with pytest.raises(
        DigestMismatch, match=r"/debian/pool/tzdata_1\.0-1_.*\.deb .* is not what Debian signed"
    ):
        maker.layers(lock, "python3.11")
    (tzdata,) = (package for package in lock.system if package.name == "tzdata")
    assert store.find(tzdata.digest) is None
    assert not store.partial(tzdata.digest).exists()


def test_a_package_that_is_gone_is_missing(maker, lock, host):
    """It is told from a mirror that does not answer: another lock may help."""
    next(host.folder.glob("debian/pool/tzdata_*.deb")).unlink()

    with pytest.raises(Missing, match="/debian/pool/tzdata"):
        maker.layers(lock, "python3.11")


_OTHER_MACHINE = """
import os, sys, time
from pathlib import Path
from lading.debian.layers import BaseLayers
from lading.debian.lock import BaseLock
from lading.progress import Silent
from lading.store import Store

os.umask(0o077)
time.tzset()
lock = BaseLock.parse(Path(sys.argv[2]).read_bytes())
for layer in BaseLayers(Store(Path(sys.argv[1])), Silent(), None).layers(lock, "python3.11"):
    print(layer.descriptor.digest)
"""


def test_another_machine_makes_the_same_bytes(maker, lock, tmp_path):
    """Another store, umask, time zone and hash seed make no difference."""
    digests = [str(layer.descriptor.digest) for layer in maker.layers(lock, "python3.11")]
    other = Store(tmp_path / "elsewhere" / "store")
    for package in lock.packages:
        other.add_file(maker.store.path(package.digest))
    (tmp_path / "lock").write_bytes(lock.encode())

    printed = subprocess.run(
        [sys.executable, "-c", _OTHER_MACHINE, str(other.root), str(tmp_path / "lock")],
        env={**os.environ, "TZ": "Pacific/Auckland", "PYTHONHASHSEED": "4711"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert printed.split() == digests


def test_another_lock_is_another_base(maker, lock):
    """The key of a layer is what its bytes depend on."""
    changed = replace(lock, system=lock.system[1:])

    assert maker.layers(changed, "python3.11")[0] != maker.layers(lock, "python3.11")[0]


def test_a_file_that_changes_while_it_is_packed_is_noticed(tmp_path):
    """What a header promises is what follows it."""
    path, root = tmp_path / "file", Root()
    path.write_bytes(b"before")
    root.add("etc/a", file_part(path, 0, 6, Digest.of(b"before"), 0o644))
    path.write_bytes(b"after!")

    with pytest.raises(DigestMismatch, match="/etc/a has changed while it was packed"):
        list(tar(root))


def test_a_layer_is_an_archive_that_tar_reads():
    """Files keep their contents."""
    root = Root()
    root.add("etc/a", root_file(b"x" * 1000, 0o600))

    with tarfile.open(fileobj=io.BytesIO(b"".join(tar(root))), mode="r:") as read:
        content = read.extractfile("etc/a")
        assert content is not None
        assert content.read() == b"x" * 1000
        assert read.getmember("etc/a").mode == 0o600
