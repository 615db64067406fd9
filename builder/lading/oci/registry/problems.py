"""What a registry's refusal means, and what can be done about it.

Refusals are documents ``{"errors": [{"code", "message", "detail"}]}`` (distribution specification,
"Error Codes"); proxies before a registry answer in other ways.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from lading.errors import RegistryError

PASSING = frozenset({408, 429, 499, 500, 502, 503, 504, 522})
"""Answers that may be others at the next attempt (go-containerregistry retries on the same)."""

_UNAUTHORIZED, _FORBIDDEN, _TOO_LARGE, _TOO_MANY, _SERVER = 401, 403, 413, 429, 500
_SHOWN_CHARACTERS = 200
_SECRETS = re.compile(r"(?i)(?<=://)[^/@\s]+@|\?\S*|\b(?:bearer|basic)\s+\S+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")

_ADVICE = {
    "NAME_UNKNOWN": "does the repository exist? some registries, such as Amazon ECR, want it created first",
    "NAME_INVALID": "this registry does not allow such names; is a project or organisation missing in front?",
    "MANIFEST_UNKNOWN": "check the tag",
    "MANIFEST_BLOB_UNKNOWN": "the registry has lost a part of the image; push again",
    "BLOB_UNKNOWN": "the registry has lost a part of the image; push the image again",
    "TOOMANYREQUESTS": "the registry limits how much one may ask; log in, or try again later",
    "SIZE_INVALID": "something between here and the registry changes what is sent",
    "DIGEST_INVALID": "something between here and the registry changes what is sent",
    "UNSUPPORTED": "this registry cannot do that; is it only a mirror?",
}


class Refused(RegistryError):
    """The registry understood, and says no."""

    def __init__(self, message: str, *, hint: str | None, status: int, codes: frozenset[str]) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.codes = codes
        """The registry's own names for what is wrong."""


def refused(what: str, where: str, status: int, data: bytes, *, has_credentials: bool) -> Refused:
    """Return the error that an answer means.

    Args:
        what: was asked for, such as ``the blob sha256:…``.
        where: registry and repository, as in ``localhost:5000/iris``.
        status: of the answer.
        data: the answer's body.
        has_credentials: whether we said who we are.
    """
    entries = _entries(data)
    codes = frozenset(str(entry.get("code") or "").upper() for entry in entries) - {""}
    said = "; ".join(filter(None, (_said(entry) for entry in entries)))
    message = f"{where} refuses {what}: {status}" + (f" {said}" if said else "")
    return Refused(
        message, hint=_hint(where, status, codes, has_credentials=has_credentials), status=status, codes=codes
    )


def plain(text: str) -> str:
    """Return a text from outside as one short line, without what may be secret."""
    line = _CONTROL.sub(" ", _SECRETS.sub("…", text)).strip()
    return line[:_SHOWN_CHARACTERS]


def _entries(data: bytes) -> list[Mapping[str, Any]]:
    try:
        document = json.loads(data)
        entries = document["errors"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return []
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []


def _said(entry: Mapping[str, Any]) -> str:
    return plain(": ".join(str(entry[key]) for key in ("code", "message") if entry.get(key)))


def _hint(where: str, status: int, codes: frozenset[str], *, has_credentials: bool) -> str | None:
    if status == _UNAUTHORIZED or (status == _FORBIDDEN and not has_credentials):
        right = "are name and password right, and may this user do that? " if has_credentials else ""
        return f"{right}log in with: docker login {where.partition('/')[0]}"
    known = next((_ADVICE[code] for code in sorted(codes) if code in _ADVICE), None)
    if known is not None:
        return known
    if status >= _SERVER:
        return "the registry has a problem of its own; try again later, or look into its log"
    return {
        _FORBIDDEN: f"this user may not do that in {where}; ask for the right, or log in as another one",
        _TOO_LARGE: "a proxy before the registry takes only small requests; raise its limit",
        _TOO_MANY: _ADVICE["TOOMANYREQUESTS"],
    }.get(status)
