"""The uv that installs inside image builds."""

import zipfile
from importlib.metadata import version

from lading.environment import PackageIndex, Platform
from lading.installer import Installer
from lading.locking.uv import UvLocker
from lading.progress import Silent
from lading.wheels.fetch import WheelFetcher

ARM = Platform("linux", "arm64")


def test_uv_is_unpacked_from_the_platforms_wheel(packages, host, store, uv_cache):
    """Lading's own version, for the image's platform, is fetched like any wheel, and unpacked."""
    tags = {"amd64": "x86_64", "arm64": "aarch64"}
    for architecture, machine in tags.items():
        wheel = packages.wheel("uv", version("uv"), tag=f"py3-none-manylinux_2_17_{machine}")
        with zipfile.ZipFile(wheel, "a") as archive:
            archive.writestr(f"uv-{version('uv')}.data/scripts/uv", architecture)
    index = PackageIndex(index_url=host.index)
    fetcher = WheelFetcher(store, Silent(), index)
    installer = Installer(UvLocker(index, store, Silent()), fetcher, store)

    assert installer.uv(ARM).read_text() == "arm64"
    assert installer.uv(Platform("linux", "amd64")).read_text() == "amd64"


def test_uv_is_unpacked_once(packages, host, store, uv_cache):
    """What was unpacked is found again, unless it was damaged since."""
    wheel = packages.wheel("uv", version("uv"), tag="py3-none-manylinux_2_17_aarch64")
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr(f"uv-{version('uv')}.data/scripts/uv", "arm64")
    index = PackageIndex(index_url=host.index)
    installer = Installer(UvLocker(index, store, Silent()), WheelFetcher(store, Silent(), index), store)
    first = installer.uv(ARM)
    inode = first.stat().st_ino

    assert installer.uv(ARM).stat().st_ino == inode

    first.chmod(0o644)
    first.write_text("damaged")
    assert installer.uv(ARM).read_text() == "arm64"
