"""Which packages a base is made of."""

import pytest
from lading.debian.locking import lock_base
from lading.environment import PythonMinor
from lading.errors import BuildFailed

from tests.builder.debian.small_archive import ARCHITECTURE, Recipe

PYTHON = PythonMinor(3, 11)
SYSTEM = (
    "base-files ca-certificates gcc-12-base libc-bin libc6 libgcc-s1 libgomp1 libstdc++6 media-types netbase "
    "tzdata zlib1g"
)


def names(packages):
    """Return the names of packages."""
    return [package.name for package in packages]


def test_a_base_is_its_roots_and_what_they_need(archive):
    """Excluded packages are left out; the interpreter's are apart from the system's."""
    lock = lock_base(archive, "testing", ARCHITECTURE, PYTHON)

    assert names(lock.system) == SYSTEM.split()
    assert names(lock.python) == ["libpython3.11-stdlib", "python3-distutils", "python3.11-minimal"]
    assert dict(lock.dates).keys() == {"testing", "testing-updates", "testing-security"}


@pytest.mark.parametrize(("version", "chosen"), [("2.36+deb12u1", "debian-security"), ("2.35", "debian")])
def test_the_highest_version_of_all_suites_is_taken(archive, small, tmp_path, version, chosen):
    """Neither the main nor the security suite wins by itself."""
    small.add("debian-security", "testing-security", [Recipe("libc6", version).build(tmp_path)])

    lock = lock_base(archive, "testing", ARCHITECTURE, PYTHON)

    assert [package.archive for package in lock.system if package.name == "libc6"] == [chosen]


def test_a_python_that_the_suite_lacks_is_refused(archive):
    """The error says which it has."""
    with pytest.raises(BuildFailed, match=r"debian:testing has no Python 3\.12, it has 3\.11"):
        lock_base(archive, "testing", ARCHITECTURE, PythonMinor(3, 12))


def test_a_suite_that_does_not_exist_is_refused(archive):
    """It is told from an archive that does not answer."""
    with pytest.raises(BuildFailed, match="no suite 'nosuch'"):
        lock_base(archive, "nosuch", ARCHITECTURE, PYTHON)


def test_a_base_may_be_without_python(archive):
    """Another interpreter is put on it then."""
    lock = lock_base(archive, "testing", ARCHITECTURE, None)

    assert (len(lock.system), lock.python) == (12, ())


def test_libraries_are_those_of_the_suites_own_python(archive, small, debs):
    """A suite without any cannot say which another would need."""
    small.add("debian", "testing", [debs[name] for name in SYSTEM.split()])

    with pytest.raises(BuildFailed, match="debian:testing has no Python whose libraries another could use"):
        lock_base(archive, "testing", ARCHITECTURE, None)
