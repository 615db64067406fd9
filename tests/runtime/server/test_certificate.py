"""When the server's certificate expires, and what is logged of that."""

import logging
import ssl
import time
from types import SimpleNamespace

import pytest
from lading_runtime.server import certificate
from lading_runtime.server.certificate import expiry_of, warn_if_expired

from tests.registries.certificates import expire, make_certificates

DAY_S = 86_400


@pytest.fixture
def made(tmp_path):
    """Return a certificate that is valid for two days, and its key."""
    return make_certificates(tmp_path)


def test_the_end_of_a_certificate_is_known(made):
    """Whoever has signed it, and whatever the system trusts."""
    assert expiry_of(made.server, made.key) == pytest.approx(time.time() + 2 * DAY_S, abs=DAY_S)


def test_a_valid_certificate_is_not_worth_a_word(made, caplog):
    """Nothing is logged where all is well."""
    warn_if_expired(made.server, made.key)

    assert not caplog.records


def test_a_certificate_that_has_expired_is_logged(made, caplog):
    """The file and the time, and nothing of whom it is for."""
    expire(made)

    warn_if_expired(made.server, made.key)

    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.file == str(made.server)
    assert record.expired_at == time.strftime(
        "%Y-%m-%dT%H:%M:%SZ", time.gmtime(expiry_of(made.server, made.key))
    )


def test_tls_1_2_alone_is_no_hindrance(made, monkeypatch):
    """Where a machine's policy knows no TLS 1.3, the handshake takes a turn more."""

    def old_context(protocol):
        context = ssl.SSLContext(protocol)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        return context

    old = SimpleNamespace(**{**vars(ssl), "SSLContext": old_context})
    monkeypatch.setattr(certificate, "ssl", old)

    assert expiry_of(made.server, made.key) is not None


def test_what_cannot_be_read_has_no_end(made, tmp_path):
    """Files that do not fit are somebody else's to complain of."""
    assert expiry_of(made.server, tmp_path / "none") is None
    assert expiry_of(made.authority, made.key) is None
