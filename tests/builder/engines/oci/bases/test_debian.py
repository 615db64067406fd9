"""The embedded default base: from a small archive on loopback, and once from Debian's own."""

import gzip
import io
import json
import subprocess
import sys
import tarfile
import uuid
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from lading.debian.interpreter import ForeignPython
from lading.engines.oci.bases import foreign_python
from lading.engines.oci.bases.debian import DebianBases
from lading.engines.oci.bases.names import default_name
from lading.environment import Platform, PythonMinor
from lading.errors import ArchiveError, BuildFailed, InvalidReference
from lading.progress import Silent
from lading.store import Store

from tests.builder.debian.conftest import debs, host, key, small
from tests.builder.debian.foreign import make_prefix
from tests.builder.debian.small_archive import ARCHITECTURE, Recipe
from tests.conftest import CACHE, made_once, run

FIXTURES = (debs, host, key, small)
PYTHON = PythonMinor(3, 11)
PLATFORM = Platform("linux", ARCHITECTURE)


@pytest.fixture
def bases(small, host, key, store) -> DebianBases:
    """The bases of the small archive, whose releases do not expire."""
    small.valid_until = None
    for archive, suite, packages in (
        ("debian", "testing", [*small.debs.values()]),
        ("debian", "testing-updates", []),
        ("debian-security", "testing-security", []),
    ):
        small.add(archive, suite, packages)
    environ = {"LADING_DEBIAN_MIRROR": host.address, "LADING_DEBIAN_KEYRING": str(key.ring)}
    return DebianBases(store, Silent(), environ=environ)


def test_a_base_is_an_image_with_python(bases):
    """It says where its interpreter is, and runs as nobody in particular."""
    base = bases.find("debian:testing", PLATFORM, PYTHON)

    assert (base.name, base.python) == ("debian:testing", "/usr/bin/python3.11")
    assert base.digest == base.image.descriptor.digest
    assert base.image.config.platform == PLATFORM
    assert base.image.config.env["LANG"] == "C.UTF-8"
    assert "/usr/bin" in base.image.config.env["PATH"].split(":")
    assert base.image.config.run["User"] == "65532"
    assert [layer.diff_id for layer in base.image.layers] == list(base.image.config.diff_ids)


def test_the_same_name_is_the_same_base_until_somebody_asks(bases, small, tmp_path):
    """Updates are taken when they are wanted, not when they appear."""
    first = bases.find("debian:testing", PLATFORM, PYTHON)
    small.add("debian-security", "testing-security", [Recipe("tzdata", "2.0").build(tmp_path)])

    assert bases.find("debian:testing", PLATFORM, PYTHON) == first
    assert replace(bases, is_fresh=True).find("debian:testing", PLATFORM, PYTHON) != first


def test_a_known_base_needs_no_network(bases, host):
    """Offline, the store has everything."""
    first = bases.find("debian:testing", PLATFORM, PYTHON)
    host.requests.clear()

    assert replace(bases, is_offline=True).find("debian:testing", PLATFORM, PYTHON) == first
    assert host.requests == []


def test_an_unknown_base_cannot_be_made_offline(bases):
    """The error says what to do."""
    with pytest.raises(ArchiveError, match="not in the store; build once without --offline"):
        replace(bases, is_offline=True).find("debian:testing", PLATFORM, PYTHON)


def test_packages_that_are_gone_are_replaced_by_their_successors(bases, small, host, tmp_path):
    """Debian removes what was superseded: the base is locked anew, not refused."""
    first = bases.find("debian:testing", PLATFORM, PYTHON)
    next(host.folder.glob("debian/pool/tzdata_*")).unlink()
    small.add("debian-security", "testing-security", [Recipe("tzdata", "2.0").build(tmp_path)])
    forget(bases.store)

    second = bases.find("debian:testing", PLATFORM, PYTHON)

    assert second != first
    assert bases.find("debian:testing", PLATFORM, PYTHON) == second


def forget(store):
    """Remove all blobs, as ``lading cache prune`` may."""
    for path in (store.root / "blobs").rglob("*"):
        if path.is_file():
            path.unlink()


def test_a_pruned_store_makes_the_same_base_again(bases):
    """The lock stays, so the packages are the same ones."""
    first = bases.find("debian:testing", PLATFORM, PYTHON)
    forget(bases.store)

    assert bases.find("debian:testing", PLATFORM, PYTHON) == first


def test_another_python_is_refused_with_ways_out(bases):
    """A suite that has it, or another base."""
    with pytest.raises(
        BuildFailed, match=r"no Python 3\.13, it has 3\.11; give --base-image debian:trixie, "
    ):
        bases.find("debian:testing", PLATFORM, PythonMinor(3, 13))
    with pytest.raises(
        BuildFailed, match=r"3\.11; give --base-image debian:testing\+uv .*debian:testing\+host "
    ):
        bases.find("debian:testing", PLATFORM, PythonMinor(3, 12))


def test_a_suite_that_does_not_exist_is_named(bases):
    """With those that do."""
    with pytest.raises(BuildFailed, match="no suite 'nosuch'; such as debian:bookworm"):
        bases.find("debian:nosuch", PLATFORM, PYTHON)


@pytest.mark.parametrize("name", ["debian", "debian:", "debian:../x", "debian:12", "ubuntu:jammy"])
def test_other_names_are_refused(bases, name):
    """A name is ``debian:`` and a suite."""
    with pytest.raises(InvalidReference, match="no name of a Debian base"):
        bases.find(name, PLATFORM, PYTHON)


def test_each_suite_is_the_default_for_its_python():
    """Where a model's Python is in no suite there is none."""
    names = [default_name(PythonMinor(3, minor)) for minor in (9, 10, 11, 12, 13)]

    assert names == ["debian:bullseye", None, "debian:bookworm", None, "debian:trixie"]


@pytest.fixture(scope="session")
def bookworm() -> Path:
    """The root file system of a real base, out of Debian's own archive."""
    with made_once(CACHE / "debian-bookworm") as (folder, is_missing):
        if is_missing:
            base = DebianBases(Store(folder / "store"), Silent()).find("debian:bookworm", PLATFORM, PYTHON)
            for layer in base.image.layers:
                data = io.BytesIO(gzip.decompress(b"".join(layer.blob.chunks())))
                with tarfile.open(fileobj=data, mode="r:") as archive:
                    archive.extractall(folder / "root", filter="tar")
    return CACHE / "debian-bookworm" / "root"


def python(root: Path, code: str) -> str:
    """Run *code* in a base's interpreter, with its own libraries."""
    (linker,) = root.glob("usr/lib/*/ld-linux*")
    command = [
        str(linker),
        "--library-path",
        str(linker.parent),
        str(root / "usr/bin/python3.11"),
        "-Sc",
        code,
    ]
    environ = {"PYTHONHOME": str(root / "usr"), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_real_base_has_a_working_python(bookworm):
    """Its standard library loads, compiled modules and what they link to included."""
    modules = "ssl, sqlite3, ctypes, lzma, bz2, zlib, hashlib, uuid, curses, readline, decimal, zoneinfo"

    printed = python(bookworm, f"import {modules}; print(ssl.OPENSSL_VERSION)")

    assert printed.startswith("OpenSSL 3")


def test_the_real_base_trusts_whom_mozilla_trusts(bookworm):
    """Its bundle is read by OpenSSL."""
    bundle = bookworm / "etc/ssl/certs/ca-certificates.crt"

    code = f"""if True:
        import ssl
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations({str(bundle)!r})
        print(context.cert_store_stats()["x509_ca"])
    """
    printed = python(bookworm, code)

    assert int(printed) > 100


def test_the_real_bases_linker_cache_is_ldconfigs(bookworm, tmp_path):
    """The same libraries in the same order."""
    ours = listed(bookworm / "etc/ld.so.cache")

    run("cp", "-a", bookworm, tmp_path / "root")
    (tmp_path / "root/etc/ld.so.cache").unlink()
    run("/sbin/ldconfig", "-r", tmp_path / "root")

    assert ours == listed(tmp_path / "root/etc/ld.so.cache")
    assert len(ours) > 30


def listed(cache: Path) -> list[str]:
    """Return what ``ldconfig -p`` lists of a cache."""
    return [line for line in run("/sbin/ldconfig", "-p", "-C", cache).splitlines() if "=>" in line]


_PROBE = """
import ctypes, ctypes.util, os, pwd, ssl, zoneinfo
assert pwd.getpwuid(os.getuid()).pw_name == "nonroot", os.getuid()
assert ctypes.CDLL(ctypes.util.find_library("gomp")), "libgomp"
assert len(ssl.create_default_context().get_ca_certs()) > 100, "certificates"
assert zoneinfo.ZoneInfo("Europe/Berlin").key, "time zones"
print(os.environ["LANG"], os.getcwd())
"""


@pytest.mark.container
def test_the_real_base_runs_as_nobody_on_a_read_only_root(bookworm, tmp_path):
    """In a container: accounts, linker cache, certificates and time zones are found by who looks for them."""
    image = (
        DebianBases(Store(CACHE / "debian-bookworm" / "store"), Silent())
        .find("debian:bookworm", PLATFORM, PYTHON)
        .image
    )
    name = f"lading-test-debian-{uuid.uuid4().hex[:12]}:latest"
    with tarfile.open(tmp_path / "image.tar", "w") as archive:
        names = [f"{layer.descriptor.digest.hex}.tar.gz" for layer in image.layers]
        blobs = [b"".join(layer.blob.chunks()) for layer in image.layers]
        manifest = json.dumps([{"Config": "config.json", "RepoTags": [name], "Layers": names}]).encode()
        files = {"config.json": image.config_bytes, **dict(zip(names, blobs, strict=True))}
        for each, data in {**files, "manifest.json": manifest}.items():
            member = tarfile.TarInfo(each)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    run("docker", "load", "--quiet", "--input", tmp_path / "image.tar")
    try:
        confined = ("--rm", "--read-only", "--cap-drop=ALL", "--network=none")
        assert run("docker", "run", *confined, name, "python", "-c", _PROBE).split() == ["C.UTF-8", "/"]
    finally:
        run("docker", "rmi", "--force", name)


def test_another_interpreter_may_stand_on_the_base(bases, tmp_path, monkeypatch):
    """``+host`` puts this machine's into ``/usr/local``, on the suite's libraries."""
    prefix = make_prefix(tmp_path / "prefix")

    @contextmanager
    def found(python):
        yield ForeignPython(prefix, python, "this machine's Python")

    monkeypatch.setattr(foreign_python, "host_python", found)

    base = bases.find("debian:testing+host", PLATFORM, PythonMinor(3, 12))

    assert base.python == "/usr/local/bin/python3.12"
    assert len(base.image.layers) == 2
    assert bases.find("debian:testing+host", PLATFORM, PythonMinor(3, 12)) == base
    (prefix / "lib/python3.12/os.py").write_text("changed")
    assert bases.find("debian:testing+host", PLATFORM, PythonMinor(3, 12)) != base


def test_uvs_interpreter_is_installed_once(bases, tmp_path, monkeypatch):
    """``+uv`` needs only the system's layer; the second time nothing is installed."""
    prefix, calls = make_prefix(tmp_path / "prefix"), []

    @contextmanager
    def found(python, platform, store):
        calls.append(platform)
        yield ForeignPython(prefix, python, "uv's Python")

    monkeypatch.setattr(foreign_python, "uv_python", found)

    first = bases.find("debian:testing+uv", PLATFORM, PythonMinor(3, 12))
    second = bases.find("debian:testing+uv", PLATFORM, PythonMinor(3, 12))

    assert first == second
    assert calls == [PLATFORM]
    assert len(first.image.layers) == 2


def test_a_real_interpreter_of_this_machine_runs_on_the_real_base(bookworm):
    """The one of these tests: what it links to is in the base, or it says what is not."""
    store = Store(CACHE / "debian-bookworm" / "store")
    own = PythonMinor(*sys.version_info[:2])

    base = DebianBases(store, Silent()).find("debian:bookworm+host", PLATFORM, own)

    assert base.python == f"/usr/local/bin/python{own}"
    assert [layer.diff_id for layer in base.image.layers] == list(base.image.config.diff_ids)
