"""Who signed a release: Debian's keys, checked by ``gpgv``.

gpgv is what apt itself believes, and it is on every Debian and nearly every other Linux. A library in
Python would be one more thing to trust: those of PyPI are unmaintained or say that their interface is
not stable. Where gpgv is missing, a base whose lock is in the store can still be made.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from lading.errors import ArchiveError, UntrustedArchive

_KEYRINGS = (
    Path("/usr/share/keyrings/debian-archive-keyring.gpg"),
    Path("/usr/share/keyrings/debian-archive-keyring.pgp"),
)
_WEAK_HASHES = {"1", "2", "3"}
"""MD5, SHA-1 and RIPEMD-160 (RFC 9580, section 9.5), which apt refuses too."""

_VERDICTS = {"NEWSIG", "GOODSIG", "EXPSIG", "EXPKEYSIG", "REVKEYSIG", "BADSIG", "ERRSIG"}
"""What gpgv says of each signature before ``VALIDSIG``, which it says of expired and revoked keys too."""

_VALIDSIG_HASH = 7
"""The field of ``VALIDSIG`` that names the hash (GnuPG, ``doc/DETAILS``)."""


@dataclass(frozen=True, slots=True)
class Keyring:
    """Whose signatures count."""

    path: Path

    @classmethod
    def find(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Return the keyring in ``LADING_DEBIAN_KEYRING``, or the one that this host has.

        Raises:
            ArchiveError: there is none.
        """
        chosen = environ.get("LADING_DEBIAN_KEYRING")
        places = (Path(chosen).expanduser(),) if chosen else _KEYRINGS
        for path in places:
            if path.is_file():
                return cls(path.absolute())
        raise ArchiveError(
            f"there is no keyring with Debian's keys at {' or '.join(map(str, places))}",
            hint="install debian-archive-keyring, or set LADING_DEBIAN_KEYRING to its file",
        )

    def verify(self, signed: bytes, name: str) -> bytes:
        """Return what was signed in *signed*, a clear-signed text that *name* names in errors.

        Raises:
            UntrustedArchive: no key of this ring signed it.
            ArchiveError: this host cannot check that.
        """
        program = shutil.which("gpgv")
        if program is None:
            raise ArchiveError(
                f"cannot check who signed {name}: gpgv is not installed",
                hint="install gpgv, or bring a store in which this base was locked before",
            )
        with tempfile.TemporaryDirectory(prefix="lading-gpgv-") as folder:
            path, content = Path(folder, "InRelease"), Path(folder, "content")
            path.write_bytes(signed)
            command = [program, "--homedir", folder, "--keyring", str(self.path), "--status-fd", "1"]
            command += ["--output", str(content), str(path)]
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
            )
            if not _is_signed(done.stdout) or not content.is_file():
                raise UntrustedArchive(
                    f"{name} is not signed by a key of {self.path.name}: {_reason(done.stderr)}",
                    hint="somebody changed it on its way, or the keyring is too old",
                )
            return content.read_bytes()


def _is_signed(status: str) -> bool:
    """Return whether gpgv found a good signature and no bad one.

    As in apt, signatures by keys that are not in the ring do not matter, as long as one is good; that is
    why gpgv's exit code is not asked.
    """
    words = [line.split()[1:] for line in status.splitlines() if line.startswith("[GNUPG:] ")]
    good, verdict = False, ""
    for keyword, *values in words:
        if keyword in _VERDICTS:
            verdict = keyword
        if keyword == "BADSIG":
            return False
        if keyword == "VALIDSIG" and verdict == "GOODSIG":
            good = good or values[_VALIDSIG_HASH] not in _WEAK_HASHES
    return good


def _reason(text: str) -> str:
    """Return the last thing that gpgv said."""
    lines = [line.removeprefix("gpgv: ").strip() for line in text.splitlines() if line.strip()]
    return lines[-1].lower() if lines else "no signature"
