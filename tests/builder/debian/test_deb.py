"""Package files, built by dpkg-deb."""

import pytest
from lading.debian.deb import Deb
from lading.errors import ArchiveError

from tests.builder.debian.small_archive import Recipe


def contents(path):
    """Return the files that a package installs."""
    with Deb(path, "a").data() as archive:
        files = ((member.name, archive.extractfile(member)) for member in archive)
        return {name: file.read() for name, file in files if file}


@pytest.mark.parametrize("compression", ["xz", "gzip", "none"])
def test_a_package_is_read_whatever_compressed_it(tmp_path, compression):
    """All forms that Debian's packages have had."""
    path = Recipe("a", files={"etc/a": b"x" * 1000}, compression=compression).build(tmp_path)

    assert contents(path) == {"./etc/a": b"x" * 1000}


def test_another_compression_is_refused(tmp_path):
    """Debian's archive has no packages that are compressed with zstd."""
    path = Recipe("a", compression="zstd").build(tmp_path)

    with pytest.raises(ArchiveError, match="compressed in a way that Debian does not use"):
        contents(path)


@pytest.mark.parametrize("data", [b"", b"!<arch>\n", b"PK\x03\x04", b"!<arch>\nshort"])
def test_what_is_no_package_is_refused(tmp_path, data):
    """The error names the package."""
    path = tmp_path / "a.deb"
    path.write_bytes(data)

    with pytest.raises(ArchiveError, match="the package a cannot be read"):
        contents(path)


def test_a_package_that_ends_early_is_refused(tmp_path):
    """Half a package is none."""
    path = Recipe("a", files={"etc/a": bytes(range(256)) * 100}).build(tmp_path)
    path.write_bytes(path.read_bytes()[:-300])

    with pytest.raises(ArchiveError, match="the package a cannot be read"):
        contents(path)
