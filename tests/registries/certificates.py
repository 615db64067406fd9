"""A certificate authority of our own, and a certificate for localhost that it signed."""

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Certificates:
    """Files in PEM."""

    authority: Path
    server: Path
    key: Path


def make_certificates(folder: Path, name: str = "localhost") -> Certificates:
    """Return a new authority and a certificate for *name* and 127.0.0.1."""
    made = Certificates(folder / "ca.crt", folder / "server.crt", folder / "server.key")
    new = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    alternatives = ("-addext", f"subjectAltName=DNS:{name},IP:127.0.0.1")
    authority_key = folder / "ca.key"
    signed = ["-CA", made.authority, "-CAkey", authority_key, "-addext", "basicConstraints=CA:FALSE"]
    commands: list[list[object]] = [
        [*new, "-keyout", authority_key, "-subj", "/CN=authority", "-out", made.authority],
        [*new, "-keyout", made.key, "-subj", f"/CN={name}", "-out", made.server, *signed, *alternatives],
    ]
    for command in commands:
        subprocess.run([str(word) for word in command], check=True, capture_output=True)
    return made


def expire(made: Certificates) -> None:
    """Write the server's certificate anew, valid until now."""
    named = ["-in", made.server, "-signkey", made.key, "-out", made.server]
    command = ["openssl", "x509", "-days", "0", *map(str, named)]
    subprocess.run(command, check=True, capture_output=True)
