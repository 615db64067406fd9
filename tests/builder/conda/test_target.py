"""What conda packages find on the machine that an image runs on."""

from lading.conda.target import subdir, virtual_packages
from lading.environment import Platform

AMD64, ARM64 = Platform("linux", "amd64"), Platform("linux", "arm64")


def test_each_platform_has_its_part_of_a_channel():
    """Conda has names of its own for platforms."""
    assert (subdir(AMD64), subdir(ARM64)) == ("linux-64", "linux-aarch64")


def test_virtual_packages_are_those_of_the_image():
    """The image's C library counts, never this host's; there is no GPU unless somebody says so."""
    found = {name: version for name, version, _ in virtual_packages(ARM64, {})}

    assert found == {"__unix": "0", "__linux": "5.10", "__glibc": "2.36", "__archspec": "1"}
    assert ("__archspec", "1", "aarch64") in virtual_packages(ARM64, {})


def test_the_user_says_what_else_there_will_be():
    """The variables that conda has for it are believed."""
    found = virtual_packages(AMD64, {"CONDA_OVERRIDE_CUDA": "12.4", "CONDA_OVERRIDE_GLIBC": "2.28"})

    assert {("__cuda", "12.4", "0"), ("__glibc", "2.28", "0")} <= {*found}
