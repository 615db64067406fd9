"""What uv says when it cannot lock, as one sentence that names the requirement and the constraint.

uv writes prose for people, wrapped and indented. Its whole text stays the cause of the error, which
``--debug`` shows.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from lading.errors import (
    InvalidEnvironment,
    LadingError,
    PackageIndexError,
    UnlockableEnvironment,
    WheelUnavailable,
)
from lading.locking.target import Target

_MAX_CHARACTERS = 600
_FRAME = " \t\u00d7│├╰─▶╭·"
"""What uv draws beside its lines."""

_BECAUSE = re.compile(r"\bBecause (.*?)(?= hint: | note: |$)")
_CONCLUSION = re.compile(r",? we can conclude that your requirements are unsatisfiable\.?")
_INFERENCE = re.compile(r",? we can conclude that (.*?)\.? And because ")
_URL = re.compile(r"https?://[^\s`'\")]+")


def explain(output: str, target: Target) -> LadingError:
    """Return the error that *output*, what uv wrote before it gave up, tells of."""
    lines = (line.strip(_FRAME) for line in output.splitlines())
    text = " ".join(filter(None, lines))
    for reading in _READINGS:
        match = re.search(reading.pattern, text, re.IGNORECASE)
        if match is not None:
            return reading.error(text, match, target)
    return UnlockableEnvironment(f"uv cannot lock the environment: {_short(_after_error(text))}")


def _clash(text: str, _: re.Match[str], target: Target) -> LadingError:
    """Tell of requirements that no set of versions satisfies."""
    because = _BECAUSE.search(text)
    reason = _CONCLUSION.sub("", because[1]) if because else _after_error(text)
    reason = _short(_INFERENCE.sub(r", so \1; and ", reason).rstrip("."))
    hint: str | None = "change one of them in the model's requirements"
    if missing := re.search(r"there (?:is|are) no versions? of ([^\s,]+)", reason):
        hint = f"is {missing[1]} in another index? give it with --extra-index-url or --find-links"
    if "requested Python version" in reason:
        hint = f"the model was captured with Python {target.python}; change the requirement"
    return UnlockableEnvironment(f"no set of versions satisfies the requirements: {reason}", hint=hint)


def _unknown(_text: str, match: re.Match[str], _target: Target) -> LadingError:
    return UnlockableEnvironment(
        f"{match[1]} is in none of the package indexes",
        hint="check its name, or give its index with --extra-index-url or --find-links",
    )


def _no_wheel(text: str, match: re.Match[str], target: Target) -> LadingError:
    found = re.search(r"Wheels are available for .*? on the following platforms?: (.*)", text)
    found = found or re.search(
        r"only found wheels for .*? with the following Python (?:ABI )?tags?: (.*)", text
    )
    there_are = f": there are wheels for {_short(found[1].replace('`', ''))}" if found else ""
    return WheelUnavailable(
        f"{match[1]} has neither a wheel for Python {target.python} on {target.platform} nor a source"
        + there_are,
        hint="require a version that has one",
    )


def _refused(text: str, match: re.Match[str], _: Target) -> LadingError:
    return PackageIndexError(
        f"the package index at {_host(text)} refuses: {match[0].strip().lower()}",
        hint="give credentials in the index URL, in ~/.netrc or with UV_KEYRING_PROVIDER=subprocess",
    )


def _unreachable(text: str, _: re.Match[str], __: Target) -> LadingError:
    reason = text.rpartition("cause: ")[2] or text
    hint = "check the network, or give a reachable index with --index-url"
    if "certificate" in reason or "UnknownIssuer" in reason:
        hint = "set SSL_CERT_FILE to a file with the CA that signs for this host"
    return PackageIndexError(f"cannot reach {_host(text)}: {_short(reason)}", hint=hint)


def _unparsable(text: str, _: re.Match[str], __: Target) -> LadingError:
    return InvalidEnvironment(f"not a requirement: {_short(text.rpartition('cause: ')[2])}")


def _missing_file(_text: str, match: re.Match[str], _target: Target) -> LadingError:
    return UnlockableEnvironment(f"a requirement names a file that is not there: {match[1]}")


def _no_git(_text: str, match: re.Match[str], _target: Target) -> LadingError:
    return UnlockableEnvironment(
        f"cannot get {match[1]} with git", hint="check its URL and revision, and that git may read it"
    )


def _no_build(text: str, match: re.Match[str], target: Target) -> LadingError:
    last = _short(text.rpartition("[stderr] ")[2] if "[stderr]" in text else text.rpartition("cause: ")[2])
    return UnlockableEnvironment(
        f"{match[1]} has no wheel for Python {target.python}, and its source cannot be built: {last}",
        hint="require a version that has a wheel",
    )


def _no_python(text: str, _: re.Match[str], target: Target) -> LadingError:
    return UnlockableEnvironment(f"uv cannot lock for Python {target.python}: {_short(_after_error(text))}")


@dataclass(frozen=True, slots=True)
class _Reading:
    """How one kind of failure is recognised and told."""

    pattern: str
    error: Callable[[str, re.Match[str], Target], LadingError]


_READINGS = (
    _Reading(
        r"HTTP status (?:client error )?\(?40[13] ?[a-z]*\)?|40[13] (?:Unauthorized|Forbidden)", _refused
    ),
    _Reading(
        r"Because (\S+) was not found in (?:the package registry|the provided package locations)", _unknown
    ),
    _Reading(r"(\S+) has no (?:usable )?wheels[^,]*(?:tag|source distribution)", _no_wheel),
    _Reading(r"No solution found", _clash),
    _Reading(r"Invalid version request|Can't use Python at|is not a valid Python version", _no_python),
    _Reading(r"Couldn't parse requirement|Invalid requirement|Failed to parse", _unparsable),
    _Reading(r"Distribution not found at: (\S+)", _missing_file),
    _Reading(r"`([^`]+)`(?=.*Git operation failed)", _no_git),
    _Reading(
        r"error sending request|Failed to fetch|Request failed after|Network connectivity is disabled",
        _unreachable,
    ),
    _Reading(r"Failed to (?:download and )?build `([^`]+)`", _no_build),
)
"""In the order in which they are tried: the network's failures look like failures of a package."""


def _host(text: str) -> str:
    urls = _URL.findall(text)
    return urlsplit(urls[-1]).netloc.rpartition("@")[2] if urls else "the package index"


def _after_error(text: str) -> str:
    return text.partition("error: ")[2] or text or "it does not say why"


def _short(text: str) -> str:
    text = text.strip().rstrip(".")
    return text if len(text) <= _MAX_CHARACTERS else f"{text[:_MAX_CHARACTERS]}…"
