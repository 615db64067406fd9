"""How long the certificate of the server is valid.

The standard library reads a certificate only from the other end of a connection, so there is one, in memory.
"""

from __future__ import annotations

import logging
import ssl
import time
from pathlib import Path

logger = logging.getLogger(__name__)

NO_CHECK_TIME, PARTIAL_CHAIN = 0x200000, 0x80000
"""OpenSSL's ``X509_V_FLAG_…``: accept what has expired, and trust the certificate itself.

``ssl`` has no name for the first one, and for the second one from Python 3.10 on.
"""


def warn_if_expired(certificate: Path, key: Path) -> None:
    """Log that *certificate* has expired, if so: clients will refuse it, and only they would notice."""
    expires = expiry_of(certificate, key)
    if expires is not None and expires <= time.time():
        said = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(expires))
        logger.warning("the certificate has expired", extra={"file": str(certificate), "expired_at": said})


def expiry_of(certificate: Path, key: Path) -> float | None:
    """Return when *certificate* expires, in seconds since 1970; None if that cannot be found out."""
    try:
        found = _as_client(certificate, key).getpeercert()
        return None if found is None else ssl.cert_time_to_seconds(str(found["notAfter"]))
    except (OSError, ValueError, KeyError):  # of `ssl`, or a handshake that has not come to its end
        return None


def _as_client(certificate: Path, key: Path) -> ssl.SSLObject:
    """Return the client's end of a connection that has been shown *certificate*."""
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(certificate, key, password="")
    asking = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    asking.check_hostname = False
    asking.load_verify_locations(certificate)
    asking.verify_flags |= NO_CHECK_TIME | PARTIAL_CHAIN
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = asking.wrap_bio(to_client, to_server)
    server = serving.wrap_bio(to_server, to_client, server_side=True)
    for end in (client, server, client, server, client):
        _go_on(end)
    return client


def _go_on(end: ssl.SSLObject) -> None:
    try:
        end.do_handshake()
    except ssl.SSLWantReadError:
        return  # it is the other one's turn
