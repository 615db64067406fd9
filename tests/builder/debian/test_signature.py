"""Who signed a release."""

import pytest
from lading.debian.signature import Keyring
from lading.errors import ArchiveError, UntrustedArchive

from tests.builder.debian.small_archive import Key


def test_only_what_was_signed_is_returned(key):
    """Text around the signed text, which nobody signed, is left out."""
    signed = key.sign("Codename: testing\n")

    assert Keyring(key.ring).verify(b"Codename: other\n" + signed, "it") == b"Codename: testing\n"


def test_a_changed_text_is_refused(key):
    """One byte of difference, and the signature is none."""
    signed = key.sign("Codename: testing\n").replace(b"testing", b"tasting")

    with pytest.raises(UntrustedArchive, match=r"dists/x/InRelease is not signed by a key of ring.gpg: bad"):
        Keyring(key.ring).verify(signed, "dists/x/InRelease")


def test_another_key_does_not_count(key, tmp_path):
    """A good signature by a key that is not in the ring is refused."""
    other = Key.make(tmp_path / "other")
    signed = other.sign("Codename: testing\n")
    other.close()

    with pytest.raises(UntrustedArchive, match="no public key"):
        Keyring(key.ring).verify(signed, "it")


@pytest.mark.parametrize("text", [b"", b"Codename: testing\n", b"-----BEGIN PGP SIGNED MESSAGE-----\n"])
def test_a_text_without_signature_is_refused(key, text):
    """Nothing is believed unsigned."""
    with pytest.raises(UntrustedArchive):
        Keyring(key.ring).verify(text, "it")


def test_without_gpgv_nothing_is_believed(key, monkeypatch):
    """The error says what to install."""
    monkeypatch.setenv("PATH", "")

    with pytest.raises(ArchiveError, match="install gpgv"):
        Keyring(key.ring).verify(key.home.read_bytes() if key.home.is_file() else b"", "it")


def test_the_keyring_is_the_one_that_was_given(key):
    """``LADING_DEBIAN_KEYRING`` replaces the host's."""
    assert Keyring.find({"LADING_DEBIAN_KEYRING": str(key.ring)}).path == key.ring


def test_a_missing_keyring_is_named(tmp_path):
    """The error says where none is."""
    with pytest.raises(ArchiveError, match=r"no keyring with Debian's keys at .*nothing.gpg"):
        Keyring.find({"LADING_DEBIAN_KEYRING": str(tmp_path / "nothing.gpg")})
