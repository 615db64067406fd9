"""Environments of this machine with packages of conda: their own Python, and wheels on top."""

import subprocess
import sys

import pytest
from lading.conda.packages import PackageFetcher
from lading.conda.prefixes import Prefixes
from lading.conda.rattler import Rattler
from lading.digest import Digest
from lading.environment import Platform, PythonMinor
from lading.environments.conda import CondaMaker
from lading.errors import ServeFailed
from lading.lock import CondaPackage, Lock
from lading.progress import Silent

from tests.builder.conda.channel import PLACEHOLDER, Package, this_python

MINOR = PythonMinor(*sys.version_info[:2])
ASK = "import aa, sys; print(aa.version, sys.prefix)"


@pytest.fixture
def maker(store) -> CondaMaker:
    """Who makes environments."""
    rattler = Rattler()
    return CondaMaker(
        store, Silent(), Prefixes(store, Silent(), rattler, PackageFetcher(store, Silent(), rattler))
    )


def locked(package: Package, folder) -> CondaPackage:
    """Make *package*; return what a lock says of it."""
    file = package.write(folder)
    return CondaPackage(
        package.name, package.version, package.build, package.subdir, file.as_uri(), Digest.of_file(file)
    )


def test_conda_brings_the_interpreter(maker, packages, store, tmp_path, uv_cache):
    """The environment stands on its own Python, knows its place, holds the wheels, and is found again."""
    greet = Package(name="greet", files={"bin/greet": f"#!/bin/sh\necho {PLACEHOLDER}\n".encode()})
    python = this_python(target=str(store.root / "environments"))
    conda = tuple(sorted(locked(each, tmp_path / "c") for each in (python, greet)))
    lock = Lock(MINOR, Platform("linux", "amd64"), (), "of conda", conda)
    wheels = (packages.wheel("aa"),)

    interpreter = maker.make(lock, wheels)

    prefix = interpreter.parents[1]
    asked = subprocess.run([interpreter, "-c", ASK], check=True, capture_output=True, text=True)
    said = subprocess.run([prefix / "bin" / "greet"], check=True, capture_output=True, text=True)
    assert asked.stdout.split() == ["1.0", str(prefix)]
    assert said.stdout.strip() == str(prefix)
    assert interpreter.resolve().is_relative_to(prefix)
    assert maker.make(lock, wheels) == interpreter


def test_a_lock_without_conda_has_no_such_environment(maker):
    """What conda has no part in is for the other makers."""
    with pytest.raises(ServeFailed, match="has no conda packages"):
        maker.make(Lock(MINOR, Platform("linux", "amd64"), (), ""), ())
