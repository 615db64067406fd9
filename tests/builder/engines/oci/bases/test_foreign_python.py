"""Where Pythons come from that Debian does not have."""

import hashlib
import json
import sys
import tarfile

import pytest
from lading.engines.oci.bases import foreign_python
from lading.engines.oci.bases.foreign_python import host_python, uv_python
from lading.environment import Platform, PythonMinor
from lading.errors import BuildFailed

from tests.builder.debian.foreign import HEADER, make_prefix

PYTHON = PythonMinor(3, 12)
KEY = "cpython-3.12.16-linux-{}-gnu"


@pytest.fixture
def uv_mirror(tmp_path, monkeypatch):
    """A folder from which uv installs CPython 3.12 for both processors."""
    prefix = make_prefix(tmp_path / "python", built_for="/install")
    (prefix / "lib/python3.12/_sysconfigdata__linux_aarch64-linux-gnu.py").write_text(
        HEADER + "build_time_vars = {}\n"
    )
    archive = tmp_path / "cpython.tar.gz"
    with tarfile.open(archive, "w:gz") as file:
        file.add(prefix, "python")
    downloads = {
        KEY.format(family): {
            "name": "cpython",
            "arch": {"family": family, "variant": None},
            "os": "linux",
            "libc": "gnu",
            "major": 3,
            "minor": 12,
            "patch": 16,
            "prerelease": "",
            "url": archive.as_uri(),
            "sha256": hashlib.sha256(archive.read_bytes()).hexdigest(),
            "variant": None,
        }
        for family in ("x86_64", "aarch64")
    }
    (tmp_path / "downloads.json").write_text(json.dumps(downloads))
    monkeypatch.setenv("UV_PYTHON_DOWNLOADS_JSON_URL", str(tmp_path / "downloads.json"))
    return archive


@pytest.mark.parametrize("architecture", ["amd64", "arm64"])
def test_uv_installs_for_either_processor(uv_mirror, store, architecture):
    """Nothing of it is run, and nothing stays."""
    with uv_python(PYTHON, Platform("linux", architecture), store) as found:
        assert found.title == "uv's Python 3.12"
        assert found.nodes()["usr/local/lib/python3.12/os.py"].data == b"name = 'posix'\n"
        prefix = found.prefix

    assert not prefix.exists()


def test_what_uv_installs_is_the_same_every_time(uv_mirror, store):
    """The folder that uv installs to is written into it, and is another one each time."""
    installed = []
    for _ in range(2):
        with uv_python(PYTHON, Platform("linux", "amd64"), store) as found:
            installed.append(found.nodes())

    assert installed[0] == installed[1]


def test_a_tampered_archive_is_refused(uv_mirror, store):
    """Uv checks the digest; the error is its last word."""
    uv_mirror.write_bytes(uv_mirror.read_bytes()[:-8] + b"tampered")

    with (
        pytest.raises(BuildFailed, match=r"uv cannot install cpython-3.12-linux-x86_64-gnu: .*hash"),
        uv_python(PYTHON, Platform("linux", "amd64"), store),
    ):
        pass


def test_the_hosts_interpreter_is_found():
    """Its prefix is the installation's, not that of a virtual environment."""
    own = PythonMinor(*sys.version_info[:2])

    with host_python(own) as found:
        assert (found.prefix / "lib" / f"python{own}" / "os.py").is_file()


def test_an_interpreter_that_is_not_here_is_named(monkeypatch):
    """With those that are."""
    monkeypatch.setattr(foreign_python, "installed_pythons", lambda: "3.11, 3.13")

    with (
        pytest.raises(BuildFailed, match=r"this machine has no Python 3\.99, it has 3\.11, 3\.13"),
        host_python(PythonMinor(3, 99)),
    ):
        pass


def test_an_interpreter_that_does_not_run_is_named(monkeypatch, tmp_path):
    """A broken installation is no base."""
    program = tmp_path / "python3.12"
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setattr(foreign_python, "find_interpreter", lambda _: program)

    with pytest.raises(BuildFailed, match="does not run"), host_python(PYTHON):
        pass
