"""Whom to trust: the certificates of this host, which may be those of a corporate proxy."""

import os
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import truststore

from lading.errors import InvalidOption


def tls_context(environ: Mapping[str, str] = os.environ) -> ssl.SSLContext:
    """Return what decides whom to trust, as uv does: ``SSL_CERT_FILE``, or else the system's store.

    ``SSL_CLIENT_CERT`` names a file with a certificate and key to show to the server.

    Raises:
        InvalidOption: a variable names a file that cannot be used.
    """
    file, folder = environ.get("SSL_CERT_FILE"), environ.get("SSL_CERT_DIR")
    if file or folder:
        with _naming("SSL_CERT_FILE", file):
            context = ssl.create_default_context(cafile=file or None, capath=folder or None)
    else:
        context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if client := environ.get("SSL_CLIENT_CERT"):
        with _naming("SSL_CLIENT_CERT", client):
            context.load_cert_chain(client)
    return context


@contextmanager
def _naming(variable: str, path: str | None) -> Iterator[None]:
    try:
        yield
    except OSError as error:  # ssl.SSLError is one
        reason = "it holds no certificate" if isinstance(error, ssl.SSLError) else error.strerror
        raise InvalidOption(
            f"{variable} names {path!r}, which cannot be used: {str(reason).lower()}",
            hint=f"name a file of certificates (PEM), or unset {variable}",
        ) from error


def no_checks() -> ssl.SSLContext:
    """Return what trusts everybody, for hosts that the user names."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
