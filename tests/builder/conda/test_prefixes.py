"""Conda packages as they will lie in an image."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from lading.digest import Digest
from lading.environment import Platform, PythonMinor
from lading.errors import BuildFailed, DigestMismatch
from lading.lock import Lock, LockedPackage, WheelSource

from tests.builder.conda.channel import PLACEHOLDER, Package, distribution, python
from tests.builder.conda.conftest import LINUX

LINUX_PYTHON = PythonMinor(3, 11)
AT_SITE = "lib/python3.11/site-packages"
TOOL = Package(
    name="tool",
    subdir="noarch",
    noarch="python",
    depends=("python",),
    entry_points=("run-tool = tool:main",),
    files={
        **distribution("tool", "1.0"),
        "python-scripts/old-tool": f"#!{PLACEHOLDER}/bin/python\n".encode(),
    },
)


@pytest.mark.parametrize("suffix", [".conda", ".tar.bz2"])
def test_prefixes_say_where_they_will_be(bench, suffix):
    """Texts and programs name the prefix in the image, whatever folder they were laid out in."""
    share = Package(name="share", suffix=suffix, files={"share/x": f"at {PLACEHOLDER}/y".encode()})

    found = bench.lay_out(python(), share)

    assert (found.source / "bin/python3.11").read_text() == "#!/opt/env/bin/sh\n"
    assert (found.source / "lib/libpython.so").read_bytes().startswith(b"\0\1/opt/env/lib\0")
    assert (found.source / "share/x").read_text() == "at /opt/env/y"
    assert (found.source / "bin/python").readlink() == Path("python3.11")
    assert found.target == "/opt/env"


def test_python_packages_of_any_platform_get_their_place(bench):
    """``noarch: python`` goes to the Python that is there, and its entry points become scripts."""
    found = bench.lay_out(python(), TOOL)

    assert (found.source / AT_SITE / "tool.py").is_file()
    assert (found.source / "bin/run-tool").read_text().startswith("#!/opt/env/bin/python3.11\n")
    assert (found.source / "bin/old-tool").read_text() == "#!/opt/env/bin/python\n"


def test_another_platform_is_laid_out_without_running_anything(bench):
    """On one processor a prefix for another is made."""
    arm = bench.lay_out(python(subdir="linux-aarch64"), TOOL, platform=Platform("linux", "arm64"))

    assert (arm.source / "bin/run-tool").is_file()
    assert json.loads((arm.source / "conda-meta/python-3.11.4-h1_0.json").read_bytes())["subdir"] == (
        "linux-aarch64"
    )


def test_nothing_of_the_machine_remains(bench, tmp_path):
    """No path and no time of this machine is anywhere in a prefix, and everybody may read it."""
    found = bench.lay_out(python(), TOOL)

    for path in found.source.rglob("*"):
        assert path.is_symlink() or path.stat().st_mode & 0o777 in {0o644, 0o755}
        if path.is_file():
            assert str(tmp_path).encode() not in path.read_bytes()
    assert not (found.source / "CACHEDIR.TAG").exists()


def test_scanners_find_what_is_in_a_prefix(bench):
    """``conda-meta`` names each package and its files."""
    found = bench.lay_out(python(), TOOL)

    record = json.loads((found.source / "conda-meta/tool-1.0-h1_0.json").read_bytes())

    assert (record["name"], record["version"]) == ("tool", "1.0")
    assert all((found.source / name).is_file() for name in record["files"])


def test_bytecode_does_without_the_time_of_its_source(bench):
    """Bytecode of packages is valid in a layer, whose files are all of one day (PEP 552)."""
    found = bench.lay_out(python())

    (pyc,) = found.source.rglob("*.pyc")

    assert pyc.read_bytes()[4:] == bytes([1, 0, 0, 0, *bytes(8)]) + b"code"


def test_the_same_packages_give_the_same_prefix_on_any_machine(bench, tmp_path):
    """Neither folder nor umask nor time zone nor hash seed has a say."""
    here = bench.lay_out(python(), TOOL)
    program = (
        "import sys; from pathlib import Path; from lading.store import Store;"
        "from tests.builder.conda.conftest import Workbench;"
        "from tests.builder.conda.test_prefixes import TOOL, python;"
        "print(Workbench(Path(sys.argv[1]), Store(Path(sys.argv[2]))).lay_out(python(), TOOL).digest)"
    )
    there = subprocess.run(
        [sys.executable, "-c", f"import os; os.umask(0o077); {program}", tmp_path / "p", tmp_path / "s"],
        env={**os.environ, "PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo"},
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=True,
    )

    assert there.stdout.strip() == str(here.digest)


def test_a_prefix_is_laid_out_once(bench):
    """Who asks again gets the same folder, and no package is unpacked for it."""
    first = bench.lay_out(python())
    made = (first.source / "bin/python3.11").stat().st_ino

    again = bench.lay_out(python())

    assert again == first
    assert (again.source / "bin/python3.11").stat().st_ino == made


def test_a_damaged_prefix_is_laid_out_anew(bench):
    """The store is not believed."""
    first = bench.lay_out(python())
    (first.source / "lib/python3.11/os.py").write_text("evil")

    again = bench.lay_out(python())

    assert again == first
    assert (again.source / "lib/python3.11/os.py").read_text() == "x = 1\n"


def test_what_wheels_replace_is_taken_out(bench):
    """A distribution that the lock has as a wheel is removed with its files, as pip removes it."""
    old = Package(name="old", files={**distribution("old", "1.0", at=AT_SITE), f"{AT_SITE}/kept.py": b""})
    source = WheelSource("old-2.0-py3-none-any.whl", "https://h/old-2.0-py3-none-any.whl", Digest("0" * 64))
    packages = tuple(sorted(map(bench.locked, (python(), old))))
    lock = Lock(LINUX_PYTHON, LINUX, (LockedPackage("old", "2.0", source),), "", packages)

    found = bench.prefixes.lay_out(lock, "/opt/env")

    names = {path.name for path in (found.source / AT_SITE).iterdir()}
    record = json.loads((found.source / "conda-meta/old-1.0-h1_0.json").read_bytes())
    assert names == {"kept.py"}
    assert record["files"] == [f"{AT_SITE}/kept.py"]


def test_an_environment_without_conda_has_no_prefix(bench):
    """Where pip installs everything there is nothing to lay out."""
    assert bench.prefixes.lay_out(Lock(LINUX_PYTHON, LINUX, (), ""), "/opt/env") is None


def test_a_tampered_package_is_refused(bench):
    """What is not the package that was locked is neither kept nor unpacked."""
    locked = bench.locked(python())
    Path(bench.folder / "linux-64" / locked.file).write_bytes(b"something else")

    with pytest.raises(DigestMismatch, match=r"python-3\.11\.4-h1_0\.conda is not the file"):
        bench.prefixes.of_packages((locked,), LINUX, "/opt/env")

    assert not (bench.store.root / "prefixes").exists()


@pytest.mark.parametrize(
    ("package", "message"),
    [
        (Package(name="evil", listed=("../../outside",)), r"writes to '\.\./\.\./outside', which is outside"),
        (Package(name="evil", listed=("/etc/cron.d/x",)), "writes to '/etc/cron.d/x', which is outside"),
        (
            Package(name="evil", noarch="python", entry_points=("../../x = a:b",)),
            r"writes to 'bin/\.\./\.\./x', which is outside",
        ),
        (
            Package(name="evil", links={"lib64": "/tmp"}, files={"lib64/x": b""}),  # noqa: S108 - only named
            "writes to 'lib64/x' through the link 'lib64' of evil-1.0",
        ),
        (Package(name="evil", links={"etc": "/etc"}), "has a link out of its prefix: 'etc'"),
        (Package(name="evil", links={"etc": "../../.."}), "has a link out of its prefix: 'etc'"),
        (Package(name="evil", listed=("lib/missing",)), "cannot be laid out: "),
    ],
)
def test_packages_stay_inside_their_prefix(bench, package, message):
    """Whatever a package tries, nothing is written elsewhere, and the error names package and path."""
    with pytest.raises(BuildFailed, match=message):
        bench.lay_out(python(), package)

    assert not (bench.store.root / "prefixes").exists()
    assert not [*bench.store.root.rglob("outside")]


def test_links_in_a_prefix_are_relative(bench):
    """A link that names the prefix is made relative; one that leads to nothing goes."""
    links = {"bin/sh": "/opt/env/bin/python3.11", "lib/nothing.so": "nothing.so.1"}

    found = bench.lay_out(python(), Package(name="links", links=links))

    assert (found.source / "bin/sh").readlink() == Path("python3.11")
    assert not (found.source / "lib/nothing.so").is_symlink()
