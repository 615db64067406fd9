"""The same model is the same image: whatever machine, folder, user, day or store builds it."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

BASE = "debian:bookworm"
MADE = ("segments", "*layer*", "environments", "bytecode*", "interpreters")
"""Kinds of entries of the store that nothing but time depends on."""


@dataclass(frozen=True)
class Machine:
    """Where a build runs: what of a machine could get into an image."""

    store: Path
    model: Path
    folder: Path

    def build(self, *options: str, prefix: tuple[str, ...] = (), umask: int = 0o022, **variables: str) -> str:
        """Build into an OCI layout; return the digest of the image's manifest."""
        program = Path(sys.executable).with_name("build-image")
        place = self.folder / "out"
        words = ("-m", self.model, "-n", "iris:1", "-o", place, "--base-image", BASE, "--json", *options)
        done = subprocess.run(
            [*prefix, str(program), *map(str, words), "--progress", "none"],
            cwd=self.folder,
            env={**os.environ, "LADING_CACHE_DIR": str(self.store), **variables},
            umask=umask,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        shutil.rmtree(place)
        digest: str = json.loads(done.stdout)["digest"]
        return digest


def lading(store: Path, *words: object) -> None:
    """Run a command on a store."""
    program = Path(sys.executable).with_name("lading")
    environ = {**os.environ, "LADING_CACHE_DIR": str(store)}
    subprocess.run([str(program), *map(str, words)], env=environ, check=True, capture_output=True)


def python_path(folder: Path) -> str:
    """Return where Python looks for modules, *folder* first."""
    return os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])


@pytest.fixture(scope="module")
def here(conformance, tmp_path_factory) -> Machine:
    """A machine with a store of its own, which has built the model once."""
    folder = tmp_path_factory.mktemp("here")
    machine = Machine(folder / "store", conformance.models / "iris", folder)
    machine.build()
    return machine


@pytest.fixture(scope="module")
def digest(here) -> str:
    """The image's digest."""
    made: str = here.build()
    return made


@pytest.fixture
def there(here, tmp_path) -> Machine:
    """Another machine: what the first one has fetched, in another place, and nothing that it has made."""
    lading(here.store, "cache", "export", tmp_path / "store.tar")
    store = tmp_path / "elsewhere" / "cache"
    lading(store, "cache", "import", tmp_path / "store.tar")
    for kind in MADE:
        for folder in (store / "entries").glob(kind):
            shutil.rmtree(folder)
    model = tmp_path / "another" / "folder" / "iris"
    shutil.copytree(here.model, model, copy_function=shutil.copyfile)
    for path in model.rglob("*"):
        os.utime(path, (1e9, 1e9))
        path.chmod(0o700 if path.is_dir() else 0o600)
    return Machine(store, model, tmp_path)


def test_another_machine_makes_the_same_image_offline(there, here, digest):
    """Other store, folder, times and rights, user, umask, time zone, hash seed and year; no network."""
    elsewhere = {"TZ": "Asia/Kathmandu", "PYTHONHASHSEED": "7", "LC_ALL": "C", "HOME": str(there.folder)}
    year_later = ("faketime", "-f", "+1y")

    built = there.build("--offline", prefix=("unshare", "--user", *year_later), umask=0o077, **elsewhere)

    assert built == digest


def test_the_python_of_the_machine_has_no_part(there, digest):
    """Where the machine's own Python does not even compile, the image is the same: the base's does."""
    broken = there.folder / "python3.11"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    # What looks for an interpreter begins with the one that runs it.
    (there.folder / "sitecustomize.py").write_text(f"import sys\nsys.executable = {str(broken)!r}\n")

    path = python_path(there.folder)

    assert there.build("--offline", "--bytecode", "imported", PYTHONPATH=path) == digest


def test_what_was_pruned_is_made_again(here, digest):
    """After the store was emptied, everything is fetched and made again, the same."""
    lading(here.store, "cache", "prune", "--all")

    assert here.build() == digest


RARE = {
    *("docker", "requests", "httpx", "rich", "jinja2", "fsspec", "mlflow", "rattler", "pydantic"),
    *("importlib.metadata", "tomllib", "packaging.pylock"),
    *("lading.conda", "lading.locking.resolving", "lading.locking.server_lock", "lading.wheels.arriving"),
    *("lading.debian.roots", "lading.engines.docker", "lading.engines.find", "lading.oci.registry"),
    *(
        "lading.engines.oci.placing",
        "lading.engines.oci.bytecode.compiler",
        "lading.engines.oci.bases.engine",
    ),
}
"""What solves, downloads, unpacks, compiles and talks to engines, and what says so on a terminal."""


def test_what_has_nothing_to_do_is_not_imported(here, digest, tmp_path):
    """A build in which nothing has changed starts quickly: it imports little more than it looks up."""
    (tmp_path / "sitecustomize.py").write_text(
        "import atexit, os, sys\n"
        "atexit.register(lambda: open(os.environ['IMPORTED'], 'w').write(' '.join(sys.modules)))\n"
    )

    built = here.build(PYTHONPATH=python_path(tmp_path), IMPORTED=str(tmp_path / "imported"))

    assert built == digest
    assert RARE.intersection((tmp_path / "imported").read_text().split()) == set()
