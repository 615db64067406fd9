"""What rattler says when it cannot do something, as one sentence with a way out."""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from lading.conda.channels import public_url
from lading.conda.rattler import RattlerFailed
from lading.errors import (
    BuildFailed,
    InvalidEnvironment,
    LadingError,
    PackageIndexError,
    UnlockableEnvironment,
    WheelUnavailable,
)

_MAX_CHARACTERS = 600
_DRAWN = re.compile(r"[├└│─]+\s*")
_URL = re.compile(r"(?:https?|file|s3|gcs|oci)://[^\s`'\")]+")
_TRUST_HINT = "set SSL_CERT_FILE to a file with the CA that signs for this host"
_LOGIN_HINT = "give credentials in the channel's URL, in ~/.netrc, or with `rattler auth login`"
_OPEN_HINT = "check the channel's name and the network; channel_alias in ~/.condarc gives another host"


def not_solved(error: RattlerFailed, channels: Iterable[str]) -> LadingError:
    """Return what is told when no set of packages was found."""
    text = _flat(error.message)
    if error.kind == "SolverError":
        reason = text.removeprefix("Cannot solve the request because of: ")
        places = ", ".join(map(public_url, channels))
        return UnlockableEnvironment(
            f"conda's channels ({places}) do not have what conda.yaml asks for: {_short(reason)}",
            hint="change conda.yaml, or leave conda out with --env-manager virtualenv",
        )
    if error.kind in {"InvalidMatchSpecError", "InvalidChannelError", "InvalidVersionSpecError"}:
        return InvalidEnvironment(f"conda.yaml: {_short(text)}")
    return unreachable(error)


def unreachable(error: RattlerFailed) -> LadingError:
    """Return what is told when a channel gives no answer, or a wrong one."""
    text = _flat(error.message)
    place = _place(error.message)
    if re.search(r"\b40[13]\b", text):
        return PackageIndexError(f"the channel at {place} refuses: {_short(text)}", hint=_LOGIN_HINT)
    if "certificate" in text.lower() or "UnknownIssuer" in text:
        return PackageIndexError(f"the channel at {place} is not trusted: {_short(text)}", hint=_TRUST_HINT)
    if re.search(r"\b(404|410)\b", text) and re.search(r"\.(conda|tar\.bz2)\b", text):
        return WheelUnavailable(f"a package is no longer at {place}: {_short(text)}", hint="lock again")
    return PackageIndexError(f"cannot read the channel at {place}: {_short(text)}", hint=_OPEN_HINT)


def not_laid_out(error: RattlerFailed) -> LadingError:
    """Return what is told when packages cannot be put into a prefix."""
    return BuildFailed(f"conda packages cannot be laid out: {_short(_flat(error.message))}")


def _place(text: str) -> str:
    found = _URL.search(text)
    if found is None:
        return "the channel"
    url = public_url(found[0])
    parts = urlsplit(url)
    return parts.path if parts.scheme == "file" else parts.netloc


def _flat(text: str) -> str:
    """Return *text* in one line, without what is drawn beside it, and without credentials."""
    lines = (_DRAWN.sub("", line).strip() for line in text.splitlines())
    return _URL.sub(lambda match: public_url(match[0]), "; ".join(filter(None, lines)))


def _short(text: str) -> str:
    text = text.strip().rstrip(".;")
    return text if len(text) <= _MAX_CHARACTERS else f"{text[:_MAX_CHARACTERS]}…"
