"""Wheels of packages that exist only as source, built with the target's Python on this machine.

uv builds them in an environment of their own, with the build requirements that they name. What comes out
is kept in the store under the source's digest (or commit), Python and platform. Times inside the wheel
are constant, so that equal sources mostly give equal bytes.
"""

import json
import platform as host
import re
import shutil
import subprocess
import tarfile
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from lading.digest import Digest
from lading.environment import PackageIndex, Platform
from lading.errors import WheelUnavailable
from lading.interpreters import find_interpreter, installed_pythons
from lading.lock import Lock, SourceArchive
from lading.progress import Progress
from lading.store import Store
from lading.uv_process import Uv, UvFailed, without_credentials

_FORMAT = 1
"""Of what is kept in the store; counted up when the same source may give another wheel."""

_EPOCH = "315532800"
"""1980-01-01: the first day that a zip archive can write down."""

_COMPILER = re.compile(
    r"(?:gcc|g\+\+|cc|clang|gfortran|cargo|rustc|cmake)'? ?"
    r"(?:failed: No such file|not found|is not installed)"
)
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


@dataclass(frozen=True, slots=True)
class WheelBuilder:
    """Builds wheels from source archives and git checkouts."""

    store: Store
    progress: Progress
    index: PackageIndex

    is_offline: bool = False
    """Use only the build tools that uv has kept."""

    def build(self, source: SourceArchive, archive: Path | None, lock: Lock) -> Path:
        """Return the wheel of *source* for the target of *lock*.

        Args:
            source: what to build.
            archive: its verified bytes; None for a checkout.
            lock: whose Python and platform count.

        Raises:
            WheelUnavailable: this machine has no such interpreter, compiler or platform, or the build fails.
            StoreError: the store cannot be written.
        """
        key = f"{_FORMAT} {source.digest or source.url} {lock.python} {lock.platform} {_subdirectory(source)}"
        with self.store.exclusive(f"build-{Digest.of(key.encode()).hex}"):
            return self._kept(key) or self._build(source, archive, lock, key)

    def _kept(self, key: str) -> Path | None:
        value = self.store.read_entry("built", key)
        if value is None:
            return None
        name, text = json.loads(value)
        digest = Digest.parse(text)
        return self.store.named(digest, name) if self.store.find(digest) else None

    def _build(self, source: SourceArchive, archive: Path | None, lock: Lock, key: str) -> Path:
        interpreter = _interpreter(source, lock)
        with (
            self.progress.step(f"build {source.requirement}"),
            tempfile.TemporaryDirectory(prefix="lading-") as folder,
        ):
            try:
                wheel = self._run(_prepare(source, archive, Path(folder)), interpreter, Path(folder) / "dist")
            except (UvFailed, subprocess.CalledProcessError) as error:
                raise _failed(source, error) from error
            digest = self.store.add_file(wheel)
            self.store.write_entry("built", key, json.dumps([wheel.name, str(digest)]).encode())
        return self.store.named(digest, wheel.name)

    def _run(self, source: Path, interpreter: Path, target: Path) -> Path:
        """Build the wheel of *source*, an archive or a folder, into the folder *target*."""
        uv = Uv(self.index)
        offline = ("--offline",) if self.is_offline else ()
        arguments = ("build", "--wheel", "--no-python-downloads", *offline, *uv.index_arguments())
        uv.run(
            *arguments,
            f"--python={interpreter}",
            f"--out-dir={target}",
            source,
            variables={"SOURCE_DATE_EPOCH": _EPOCH},
        )
        (wheel,) = target.glob("*.whl")
        return wheel


def host_platform() -> Platform:
    """Return the platform of this machine."""
    machine = host.machine().lower()
    return Platform(host.system().lower(), _ARCHITECTURES.get(machine, machine))


def _interpreter(source: SourceArchive, lock: Lock) -> Path:
    if host_platform() != lock.platform:
        raise WheelUnavailable(
            f"{source.requirement} exists only as source, and {lock.platform} wheels cannot be built on"
            f" {host_platform()}",
            hint="require a version that has a wheel, or build the image on that platform",
        )
    found = find_interpreter(lock.python)
    if found is None:
        raise WheelUnavailable(
            f"{source.requirement} exists only as source, and there is no Python {lock.python} to build it"
            f" with (there is {installed_pythons()})",
            hint=f"run `uv python install {lock.python}`",
        )
    return found


def _prepare(source: SourceArchive, archive: Path | None, folder: Path) -> Path:
    """Return what to build: an archive under its own name, or a folder."""
    subdirectory = _subdirectory(source)
    if archive is None:
        return _checkout(source, folder / "source") / subdirectory
    named = folder / urlsplit(source.url).path.rpartition("/")[2]
    shutil.copyfile(archive, named)
    if not subdirectory:
        return named
    shutil.unpack_archive(named, folder / "source", **_filter(named))
    (top,) = (folder / "source").iterdir()
    return top / subdirectory


def _filter(archive: Path) -> dict[str, Any]:
    """Return what keeps a tar archive within its folder; zip archives are kept there anyway.

    Python has it since 3.11.4, and Debian 12 has 3.11.2. Without it nothing is lost: what is unpacked was
    pinned by its hash, and is run next, to build a wheel.
    """
    is_tar = not zipfile.is_zipfile(archive)
    return {"filter": "data"} if is_tar and hasattr(tarfile, "data_filter") else {}


def _checkout(source: SourceArchive, folder: Path) -> Path:
    """Return a git checkout, with tags and history: many projects take their version from them."""
    git = shutil.which("git")
    if git is None:
        raise WheelUnavailable(
            f"{source.requirement} is a git checkout, and there is no git", hint="install git"
        )
    repository, _, commit = source.url.removeprefix("git+").partition("#")[0].rpartition("@")
    for command in (
        ["clone", "--quiet", "--no-checkout", "--filter=blob:none", "--", repository, str(folder)],
        ["-C", str(folder), "checkout", "--quiet", "--detach", commit],
        ["-C", str(folder), "submodule", "--quiet", "update", "--init", "--recursive"],
    ):
        subprocess.run([git, *command], check=True, capture_output=True, text=True)
    return folder


def _subdirectory(source: SourceArchive) -> str:
    return source.url.partition("#subdirectory=")[2]


def _failed(source: SourceArchive, error: UvFailed | subprocess.CalledProcessError) -> WheelUnavailable:
    output = error.output if isinstance(error, UvFailed) else str(error.stderr)
    built, _, gave_up = without_credentials(output).partition("error: Failed to build")
    errors = [line.strip() for line in built.splitlines() if "rror" in line]
    causes = [line.strip() for line in gave_up.splitlines() if "cause:" in line]
    hint = "require a version that has a wheel"
    if _COMPILER.search(output):
        hint = "install a compiler and the headers that it needs, or require a version that has a wheel"
    reason = next(iter([*errors[::-1], *causes[::-1], *output.splitlines()]), "no reason is given")
    return WheelUnavailable(f"{source.requirement} cannot be built: {reason}", hint=hint)
