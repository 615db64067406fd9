"""What is in an environment already, as pip treats it."""

from lading.environment import Environment, InstalledPackage, PackageIndex, Platform, PythonMinor
from lading.lock import Lock
from lading.locking.uv import UvLocker
from lading.progress import Silent

LINUX = Platform("linux", "amd64")


def lock(packages, store, requirements: tuple[str, ...], *installed: InstalledPackage) -> Lock:
    """Return the lock of *requirements* with the folder of *packages* as the only index."""
    index = PackageIndex(find_links=(str(packages.folder),), uses_index=False)
    environment = Environment(PythonMinor(3, 11), requirements, installed=installed)
    return UvLocker(index, store, Silent()).lock(environment, LINUX)


def names(lock: Lock) -> list[tuple[str, str | None]]:
    """What is to be installed."""
    return [(package.name, package.version) for package in lock.packages]


def test_what_satisfies_the_requirements_is_kept(packages, store, uv_cache):
    """An installed version that no index has is taken where it will do, and is not installed again."""
    packages.wheel("aa", requires=("bb>=1",))
    packages.wheel("bb", version="3.0")

    assert names(lock(packages, store, ("aa",))) == [("aa", "1.0"), ("bb", "3.0")]
    assert names(lock(packages, store, ("aa",), InstalledPackage("bb", "1.5"))) == [("aa", "1.0")]


def test_what_does_not_satisfy_them_is_replaced(packages, store, uv_cache):
    """Where the requirements want another version, that one is installed."""
    packages.wheel("aa", requires=("bb>=2",))
    packages.wheel("bb", version="3.0")

    found = lock(packages, store, ("aa",), InstalledPackage("bb", "1.5"))

    assert names(found) == [("aa", "1.0"), ("bb", "3.0")]


def test_what_is_kept_has_requirements_too(packages, store, uv_cache):
    """An installed package brings what it needs into the lock, unless that is installed as well."""
    packages.wheel("cc")
    needs_cc = InstalledPackage("bb", "1.5", ("cc",))

    assert names(lock(packages, store, ("bb",), needs_cc)) == [("cc", "1.0")]
    assert names(lock(packages, store, ("bb",), needs_cc, InstalledPackage("cc", "0.1"))) == []


def test_the_lock_names_no_file_of_this_machine(packages, store, uv_cache):
    """What stands for installed packages is no part of the text, which is the same every time."""
    packages.wheel("aa", requires=("bb",))
    installed = InstalledPackage("bb", "1.5")

    first, second = (lock(packages, store, ("aa",), installed) for _ in range(2))

    assert first == second
    assert "bb" not in first.pylock
