"""Reading anybody's ``pylock.toml``, and writing the one true form of it."""

import contextlib
import re
import string
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lading.digest import Digest
from lading.environment import Platform, PythonMinor
from lading.errors import InvalidEnvironment, LadingError, UnlockableEnvironment
from lading.lock import LockedPackage, SourceArchive, WheelSource
from lading.locking.pylock import read, render
from packaging.pylock import Pylock

LINUX = Platform("linux", "amd64")
PYTHON = PythonMinor(3, 11)
SHA = "a" * 64
HEAD = 'lock-version = "1.0"\ncreated-by = "somebody"\n'


def wheel(name: str, sha256: str = SHA) -> str:
    """Return a wheel's entry."""
    return f'{{ url = "https://host.example/{name}", size = 7, hashes = {{ sha256 = "{sha256}" }} }}'


def package(name: str, body: str, version: str | None = "1.0") -> str:
    """Return a package's table."""
    return (
        f'\n[[packages]]\nname = "{name}"\n' + (f'version = "{version}"\n' if version else "") + body + "\n"
    )


_names = st.from_regex(r"[a-z][a-z0-9]{0,8}(-[a-z0-9]{1,5})?", fullmatch=True)
_digests = st.text("0123456789abcdef", min_size=64, max_size=64).map(Digest)
_paths = st.text(string.ascii_letters + string.digits + "-._~é'$ ", min_size=1, max_size=12).filter(
    lambda text: text.strip(". ")
)


@st.composite
def _locked(draw, name: str) -> LockedPackage:
    """Draw a package of one of the kinds that there are."""
    version = draw(st.sampled_from(["1.0", "2!1.2.3rc1", "1.0+cpu", "20240101"]))
    digest = draw(_digests)
    match draw(st.integers(0, 5)):
        case 0:
            file = f"{name.replace('-', '_')}-{version}-py3-none-any.whl"
            size = draw(st.none() | st.integers(1, 1 << 40))
            return LockedPackage(name, version, WheelSource(file, f"https://host/{file}", digest, size))
        case 1:
            file = f"{name.replace('-', '_')}-{version}-cp311-cp311-manylinux_2_28_x86_64.whl"
            return LockedPackage(name, version, WheelSource(file, f"file:{file}", digest, None))
        case 2:
            url = f"https://host/a/{name}-{version}.tar.gz"
            return LockedPackage(name, version, SourceArchive(f"{name}=={version}", url, digest))
        case 3:
            url = f"https://host/{name}.zip#subdirectory=python"
            return LockedPackage(name, version, SourceArchive(f"{name} @ {url}", url, digest))
        case 4:
            url = f"git+ssh://git@host/{name}.git@{digest.hex[:40]}"
            return LockedPackage(name, None, SourceArchive(f"{name} @ {url}", url, None))
        case _:
            url = f"git+https://host/{name}@{digest.hex[:40]}#subdirectory=a/b"
            return LockedPackage(name, version, SourceArchive(f"{name} @ {url}", url, None))


@st.composite
def _packages(draw) -> tuple[LockedPackage, ...]:
    """Draw packages with different names."""
    names = draw(st.lists(_names, unique=True, max_size=6))
    return tuple(sorted(draw(_locked(name)) for name in names))


@given(packages=_packages(), minor=st.integers(8, 14), architecture=st.sampled_from(["amd64", "arm64"]))
def test_what_is_written_is_read_again(packages, minor, architecture):
    """Reading a canonical lock gives the packages that it was written from, and the same text."""
    python, platform = PythonMinor(3, minor), Platform("linux", architecture)
    fitting = tuple(each for each in packages if "cp311" not in str(each.source))
    text = render(python, platform, fitting)

    lock = read(text, python, platform)
    assert lock.packages == fitting
    assert lock.pylock == text


@given(packages=_packages())
def test_the_text_is_a_valid_pylock_in_a_fixed_order(packages):
    """The canonical text obeys PEP 751 and does not depend on the order of the packages."""
    text = render(PYTHON, LINUX, packages)

    Pylock.from_dict(tomllib.loads(text))
    assert render(PYTHON, LINUX, reversed(packages)) == text


@given(text=st.text())
def test_any_text_is_read_or_refused(text):
    """Whatever a file has in it, the answer is a lock or one of our errors."""
    with contextlib.suppress(LadingError):
        read(text, PYTHON, LINUX)


@pytest.mark.parametrize(
    "document",
    [
        "",
        "packages = 7\n",
        "[packages]\n",
        "packages = [1]\n",
        'requires-python = "about 3"\npackages = []\n',
        "requires-python = 3\npackages = []\n",
        '[[packages]]\nname = "Not Normal"\n',
        '[[packages]]\nname = "aa"\n',
        '[[packages]]\nname = "aa"\nmarker = "sunny"\nwheels = []\n',
        '[[packages]]\nname = "aa"\nwheels = [{ url = "https://host/aa.whl" }]\n',
    ],
)
def test_a_document_of_another_shape_is_refused(document):
    """A TOML document whose fields are not what PEP 751 says is no lock."""
    with pytest.raises(InvalidEnvironment, match=r"not a valid pylock\.toml"):
        read(HEAD + document, PYTHON, LINUX)


@pytest.mark.parametrize("text", ["=", "lock-version = '2.0'\ncreated-by = 'x'\npackages = []\n"])
def test_another_file_or_version_is_refused(text):
    """What is no TOML, or a lock of a later major version, is refused."""
    with pytest.raises(InvalidEnvironment, match=r"pylock\.toml"):
        read(text, PYTHON, LINUX)


def test_the_best_wheel_is_chosen():
    """Of several wheels the one whose tag the target likes best is taken, as installers do."""
    wheels = ", ".join(
        wheel(f"aa-1.0-{tag}.whl")
        for tag in (
            "py3-none-any",
            "cp311-cp311-win_amd64",
            "cp311-cp311-manylinux2014_x86_64",
            "cp312-abi3-any",
        )
    )

    lock = read(HEAD + package("aa", f"wheels = [{wheels}]"), PYTHON, LINUX)
    assert isinstance(lock.packages[0].source, WheelSource)
    assert lock.packages[0].source.name == "aa-1.0-cp311-cp311-manylinux2014_x86_64.whl"


def test_without_a_fitting_wheel_the_source_is_taken():
    """A package whose wheels are all for other machines is built from its source."""
    sdist = f'sdist = {{ url = "https://host/aa-1.0.tar.gz", hashes = {{ sha256 = "{SHA}" }} }}\n'
    text = HEAD + package("aa", f"{sdist}wheels = [{wheel('aa-1.0-cp311-cp311-win_amd64.whl')}]")

    (found,) = read(text, PYTHON, LINUX).packages
    assert found.source == SourceArchive("aa==1.0", "https://host/aa-1.0.tar.gz", Digest(SHA))


def test_without_any_file_it_is_told():
    """A package with neither a wheel nor a source for the target is named."""
    text = HEAD + package("aa", f"wheels = [{wheel('aa-1.0-cp311-cp311-win_amd64.whl')}]")

    with pytest.raises(UnlockableEnvironment, match=r"Python 3\.11 on linux/amd64.*'aa'"):
        read(text, PYTHON, LINUX)


def test_markers_are_evaluated_for_the_target():
    """Packages whose marker is not true for the target are left out."""
    text = HEAD + "".join(
        package(name, f'marker = "{marker}"\nwheels = [{wheel(f"{name}-1.0-py3-none-any.whl")}]')
        for name, marker in [("aa", "sys_platform == 'linux'"), ("bb", "python_version < '3.9'")]
    )

    assert [each.name for each in read(text, PYTHON, LINUX).packages] == ["aa"]


@pytest.mark.parametrize("other", [PythonMinor(3, 12), PythonMinor(3, 8)])
def test_a_canonical_lock_fits_one_python(other):
    """A lock that was written for one Python is refused for another, with what to do."""
    text = render(PYTHON, LINUX, ())

    with pytest.raises(UnlockableEnvironment, match="lock the model again"):
        read(text, other, LINUX)


def test_a_canonical_lock_fits_one_platform():
    """A lock that was written for one processor is refused for another."""
    with pytest.raises(UnlockableEnvironment, match="linux/arm64"):
        read(render(PYTHON, LINUX, ()), PYTHON, Platform("linux", "arm64"))


def test_a_later_patch_level_fits():
    """A lock for Python 3.11.7 and later is one for Python 3.11."""
    text = f'{HEAD}requires-python = ">=3.11.7"\n' + package(
        "aa", f"wheels = [{wheel('aa-1.0-py3-none-any.whl')}]"
    )

    assert read(text, PYTHON, LINUX).packages


def test_credentials_are_cut_out():
    """No user name or password of a URL gets into the lock."""
    text = HEAD + package("aa", f"wheels = [{wheel('aa-1.0-py3-none-any.whl')}]")
    vcs = 'vcs = { type = "git", url = "https://ada:token@host/x", commit-id = "abc" }'
    text = text.replace("https://", "https://ada:secret@") + package("bb", vcs)

    lock = read(text, PYTHON, LINUX)
    assert "secret" not in repr(lock)
    assert "token" not in repr(lock)
    assert "ada" not in lock.pylock


def test_paths_of_a_machine_are_not_written(tmp_path):
    """A local file is written with its name alone; beside the lock file it is found again."""
    text = HEAD + package(
        "aa", f'archive = {{ path = "files/aa-1.0-py3-none-any.whl", hashes = {{ sha256 = "{SHA}" }} }}'
    )

    lock = read(text, PYTHON, LINUX, folder=tmp_path)
    assert lock.packages[0].source.url == (tmp_path / "files" / "aa-1.0-py3-none-any.whl").as_uri()
    assert str(tmp_path) not in lock.pylock
    assert read(lock.pylock, PYTHON, LINUX).packages[0].source.url == "file:aa-1.0-py3-none-any.whl"


def test_who_locked_and_when_changes_nothing():
    """Locks of different tools that mean the same files have the same digest."""
    entry = wheel("aa-1.0-py3-none-any.whl")
    other = wheel("aa-1.0-cp311-cp311-win_amd64.whl")
    dated = entry.replace("size = 7", "size = 7, upload-time = 2024-01-01T00:00:00Z")
    first = HEAD + package("aa", f"wheels = [{entry}]")
    second = HEAD.replace("somebody", "other") + 'requires-python = ">=3.9"\n'
    second += package("aa", f"wheels = [{other}, {dated}]")

    assert read(first, PYTHON, LINUX).digest == read(second, PYTHON, LINUX).digest


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('directory = { path = "." }', "aa is a source folder"),
        ('vcs = { type = "hg", url = "https://host/x", commit-id = "1" }', "from hg"),
        ('archive = { url = "https://host/aa.zip", hashes = { sha512 = "00" } }', "no SHA-256 digest for aa"),
    ],
)
def test_what_cannot_be_had_is_told(body, said):
    """Folders of another machine, other version controls and missing SHA-256 digests are named."""
    with pytest.raises(UnlockableEnvironment, match=re.escape(said)):
        read(HEAD + package("aa", body), PYTHON, LINUX)


def test_only_allowed_files_are_taken():
    """Where the requirement allows certain hashes, the other files do not exist."""
    best, other = (
        wheel("aa-1.0-cp311-cp311-manylinux2014_x86_64.whl"),
        wheel("aa-1.0-py3-none-any.whl", "b" * 64),
    )
    text = HEAD + package("aa", f"wheels = [{best}, {other}]")

    lock = read(text, PYTHON, LINUX, hashes={"aa": frozenset({"b" * 64})})
    assert lock.packages[0].source.digest == Digest("b" * 64)
    with pytest.raises(UnlockableEnvironment, match=r"aa 1\.0 has a hash"):
        read(text, PYTHON, LINUX, hashes={"aa": frozenset({"c" * 64})})
