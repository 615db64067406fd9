"""The chain from the signature to a package, and what breaks it."""

from dataclasses import replace
from datetime import timedelta

import pytest
from lading.debian.archive import open_archive
from lading.debian.missing import Missing
from lading.errors import ArchiveError, DigestMismatch, UntrustedArchive
from lading.progress import Silent

from tests.builder.debian.small_archive import ARCHITECTURE, NOW

INDEX = f"main/binary-{ARCHITECTURE}"


def indexes(archive):
    """Return the indexes of all suites."""
    return [archive.index(place, release, ARCHITECTURE) for place, release in archive.releases("testing")]


def test_an_index_has_the_packages_of_its_suite(archive):
    """Release, index and packages fit; an empty suite is no error."""
    main, *others = indexes(archive)

    (package,) = main.find("zlib1g")
    assert (str(package.version), package.archive) == ("1:1.2.13", "debian")
    assert [each.find("zlib1g") for each in others] == [(), ()]


def test_an_index_is_fetched_once(archive, host):
    """What the store has is not asked for again."""
    indexes(archive)
    host.requests.clear()

    indexes(archive)

    assert [path.rpartition("/")[2] for path, _ in host.requests] == ["InRelease"] * 3


def test_a_mirror_without_hashed_names_is_read_too(archive, small, debs):
    """Files are asked for by their plain names where the release does not promise others."""
    small.has_by_hash = False
    small.add("debian", "testing", [debs["netbase"]])

    assert indexes(archive)[0].find("netbase")


def test_a_tampered_release_is_refused(archive, host):
    """A changed digest in the signed text breaks everything; nothing is kept."""
    path = host.folder / "debian/dists/testing/InRelease"
    path.write_bytes(path.read_bytes().replace(b"SHA256:\n 0", b"SHA256:\n 1").replace(b"Origin", b"Orogin"))

    with pytest.raises(UntrustedArchive, match="dists/testing/InRelease is not signed"):
        indexes(archive)


def test_a_tampered_index_is_refused(archive, host, store):
    """An index that is not the signed one is named, and not kept."""
    for path in host.folder.glob(f"debian/dists/testing/{INDEX}/by-hash/SHA256/*"):
        path.write_bytes(path.read_bytes()[:-1] + b"x")

    with pytest.raises(DigestMismatch, match=f"{INDEX}/.* is not what Debian signed"):
        indexes(archive)
    assert not [path for path in store.root.glob("*/**/*") if path.is_file() and "locks" not in str(path)]


def test_an_expired_release_is_refused(archive):
    """A mirror that stands still may hide security updates."""
    late = replace(archive, now=lambda: NOW + timedelta(days=8))

    with pytest.raises(UntrustedArchive, match="has expired: it was valid until 2030-05-11 12:00 UTC"):
        late.releases("testing")
    assert replace(late, allows_expired=True).releases("testing")


def test_a_release_of_another_suite_is_refused(archive, small):
    """Signed once is not signed for every name: no old suite is passed off as a new one."""
    small.codename = "ancient"
    small.add("debian", "testing", [])

    with pytest.raises(UntrustedArchive, match="of another suite: 'ancient'"):
        archive.releases("testing")


def test_a_release_that_never_ends_does_not_expire(archive, small):
    """Stable suites have no end."""
    small.valid_until = None
    small.add("debian", "testing", [])

    _, release = archive.releases("testing")[0]

    assert not release.is_expired(NOW + timedelta(days=10_000))


def test_a_processor_that_a_suite_lacks_is_named(archive):
    """Not every suite is for every processor."""
    place, release = archive.releases("testing")[0]

    with pytest.raises(ArchiveError, match="testing has no packages for arm65"):
        archive.index(place, release, "arm65")


def test_an_index_that_is_signed_but_no_index_is_refused(archive, small, key):
    """Bytes that cannot be decompressed are an error of the archive's."""
    path = small.folder / f"debian/dists/testing/{INDEX}/Packages.xz"
    _, release = archive.releases("testing")[0]
    listed = release.files[f"{INDEX}/Packages.xz"]
    blob = archive.downloader.store.add([b"no index"])
    broken = replace(release, files={f"{INDEX}/Packages.xz": replace(listed, digest=blob)})

    assert path.exists()
    with pytest.raises(ArchiveError, match="package index of testing cannot be read"):
        archive.index("debian", broken, ARCHITECTURE)


def test_a_missing_suite_is_missing(archive):
    """It is told from a host that cannot be reached."""
    with pytest.raises(Missing, match="dists/nosuch/InRelease: 404"):
        archive.releases("nosuch")


def test_the_archive_is_the_one_of_the_environment(small, host, store, key):
    """Mirror, keyring and the patience with old releases are taken from variables."""
    small.valid_until = NOW - timedelta(days=4000)
    small.add("debian", "testing", [])
    environ = {"LADING_DEBIAN_MIRROR": host.address, "LADING_DEBIAN_KEYRING": str(key.ring)}
    allowing = {**environ, "LADING_DEBIAN_ALLOW_EXPIRED": "1"}

    with open_archive(store, Silent(), allowing) as archive:
        assert len(archive.releases("testing")) == 3
    with (
        open_archive(store, Silent(), environ) as archive,
        pytest.raises(UntrustedArchive, match="LADING_DEBIAN_ALLOW_EXPIRED=1"),
    ):
        archive.releases("testing")
