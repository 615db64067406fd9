"""Packages that exist only as source."""

import subprocess
import tarfile
import zipfile

import pytest
from lading.digest import Digest
from lading.environment import PackageIndex, Platform, PythonMinor
from lading.errors import WheelUnavailable
from lading.lock import Lock, LockedPackage, SourceArchive
from lading.progress import Silent
from lading.wheels import build
from lading.wheels.fetch import WheelFetcher

PYTHON = PythonMinor(3, 11)


def lock_of(source: SourceArchive, python: PythonMinor = PYTHON, platform: Platform | None = None) -> Lock:
    """Return a lock of one package that exists only as source."""
    return Lock(python, platform or build.host_platform(), (LockedPackage("aa", "1.0", source),), "")


def test_a_source_archive_is_built_with_the_targets_python(packages, host, store, uv_cache):
    """A source archive is fetched, verified and built by the target's Python."""
    sdist = packages.sdist("aa")
    source = SourceArchive("aa==1.0", host.url(sdist.name), Digest.of_file(sdist))

    (wheel,) = WheelFetcher(store, Silent()).fetch(lock_of(source))
    assert wheel.name == "aa-1.0-py3-none-any.whl"
    assert zipfile.ZipFile(wheel).read("aa.py") == b"built_with = (3, 11)\n"


def test_it_is_built_once(packages, host, store, uv_cache, monkeypatch):
    """The wheel of the same source, Python and platform is kept."""
    sdist = packages.sdist("aa")
    lock = lock_of(SourceArchive("aa==1.0", host.url(sdist.name), Digest.of_file(sdist)))
    first = WheelFetcher(store, Silent()).fetch(lock)
    monkeypatch.setattr(build, "find_interpreter", None)

    assert WheelFetcher(store, Silent()).fetch(lock) == first


def test_a_part_of_an_archive_is_built(packages, host, store, uv_cache):
    """``#subdirectory=`` says which folder of the archive is the project."""
    sdist = packages.sdist("aa", below="python/")
    url = f"{host.url(sdist.name)}#subdirectory=python"
    source = SourceArchive(f"aa @ {url}", url, Digest.of_file(sdist))

    (wheel,) = WheelFetcher(store, Silent()).fetch(lock_of(source))
    assert wheel.name == "aa-1.0-py3-none-any.whl"


def test_a_part_of_a_zip_archive_is_built(packages, host, store, uv_cache):
    """The same of what forges call ``archive.zip``."""
    sdist = packages.sdist("aa", below="python/")
    with tarfile.open(sdist) as tar, zipfile.ZipFile(sdist.with_name("aa-1.0.zip"), "w") as archive:
        for member in filter(tarfile.TarInfo.isfile, tar):
            content = tar.extractfile(member)
            assert content is not None
            archive.writestr(member.name, content.read())
    url = f"{host.url('aa-1.0.zip')}#subdirectory=python"
    source = SourceArchive(f"aa @ {url}", url, Digest.of_file(sdist.with_name("aa-1.0.zip")))

    (wheel,) = WheelFetcher(store, Silent()).fetch(lock_of(source))
    assert wheel.name == "aa-1.0-py3-none-any.whl"


def test_a_git_commit_is_built(packages, tmp_path, store, uv_cache):
    """A VCS requirement is checked out at its commit and built."""
    repository = tmp_path / "repository"
    repository.mkdir()
    for name, content in packages.source("aa").items():
        (repository / name).write_bytes(content)
    git = ("git", "-C", str(repository), "-c", "user.name=a", "-c", "user.email=a@example.com")
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"]):
        subprocess.run([*git, *command], check=True)
    commit = subprocess.run(
        [*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True
    ).stdout.strip()
    (repository / "backend.py").write_text("raise SystemExit('not this')")
    subprocess.run([*git, "commit", "-qam", "second"], check=True)
    url = f"git+{repository.as_uri()}@{commit}"

    (wheel,) = WheelFetcher(store, Silent()).fetch(lock_of(SourceArchive(f"aa @ {url}", url, None)))
    assert wheel.name == "aa-1.0-py3-none-any.whl"


def test_a_missing_commit_is_told(tmp_path, store, uv_cache):
    """A repository that cannot be read is named, with what git says."""
    url = f"git+{(tmp_path / 'nothing').as_uri()}@{'0' * 40}"

    with pytest.raises(WheelUnavailable, match=r"nothing.*cannot be built"):
        WheelFetcher(store, Silent()).fetch(lock_of(SourceArchive(f"aa @ {url}", url, None)))


def test_a_missing_compiler_is_told(packages, host, store, uv_cache):
    """A build that fails for want of a compiler says to install one."""
    sdist = packages.sdist("aa", is_broken=True)
    source = SourceArchive("aa==1.0", host.url(sdist.name), Digest.of_file(sdist))

    with pytest.raises(WheelUnavailable, match=r"aa==1\.0 cannot be built: .*gcc.*; install a compiler"):
        WheelFetcher(store, Silent()).fetch(lock_of(source))


def test_a_missing_interpreter_is_told(packages, host, store):
    """Without the target's Python on this machine the error says which there are."""
    sdist = packages.sdist("aa")
    source = SourceArchive("aa==1.0", host.url(sdist.name), Digest.of_file(sdist))

    with pytest.raises(WheelUnavailable, match=r"no Python 3\.99 .*3\.11.*uv python install 3\.99"):
        WheelFetcher(store, Silent()).fetch(lock_of(source, PythonMinor(3, 99)))


def test_another_platform_cannot_be_built_for(packages, host, store):
    """A source is never built for a platform that is not this machine's."""
    sdist = packages.sdist("aa")
    source = SourceArchive("aa==1.0", host.url(sdist.name), Digest.of_file(sdist))
    other = Platform("linux", "arm64" if build.host_platform().architecture == "amd64" else "amd64")

    with pytest.raises(WheelUnavailable, match=str(other)):
        WheelFetcher(store, Silent()).fetch(lock_of(source, platform=other))


def test_builds_use_the_users_index(packages, host, store, uv_cache):
    """What a build needs comes from the user's index."""
    sdist = packages.sdist("aa")
    source = SourceArchive("aa==1.0", host.url(sdist.name), Digest.of_file(sdist))
    index = PackageIndex(index_url=host.index)

    assert WheelFetcher(store, Silent(), index).fetch(lock_of(source))
