"""Write ca.pem, server.pem (for localhost) and client.pem into a folder, each with its key."""

import datetime as dt
import sys
from pathlib import Path

from cryptography import x509  # type: ignore[import-not-found]
from cryptography.hazmat.primitives import hashes, serialization  # type: ignore[import-not-found]
from cryptography.hazmat.primitives.asymmetric import ec  # type: ignore[import-not-found]
from cryptography.x509.oid import NameOID  # type: ignore[import-not-found]


def name(text):
    """Return a distinguished name."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def certificate(subject, issuer, key, signer, *, is_authority):
    """Return a certificate, good for a day."""
    now = dt.datetime.now(dt.UTC)
    ours = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    theirs = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    builder = (
        x509.CertificateBuilder(name(issuer), name(subject), key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(ours, critical=False)
        .add_extension(theirs, critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    )
    return builder.sign(signer, hashes.SHA256())


def write(path, made, key):
    """Write a certificate and its key."""
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + secret)


folder = Path(sys.argv[1])
root = ec.generate_private_key(ec.SECP256R1())
write(folder / "ca.pem", certificate("test CA", "test CA", root, root, is_authority=True), root)
for who in ("server", "client"):
    key = ec.generate_private_key(ec.SECP256R1())
    write(folder / f"{who}.pem", certificate(who, "test CA", key, root, is_authority=False), key)
