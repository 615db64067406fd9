"""What a registry asks for when it answers 401: ``WWW-Authenticate`` (RFC 9110, section 11.6.1)."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_QUOTED = r'"(?:[^"\\]|\\.)*"'

# auth-param = token BWS "=" BWS ( token / quoted-string ), and a comma or the end behind it;
# unquoted values that are no tokens (URLs) occur, so anything up to a comma is taken.
_PARAMETER = re.compile(rf"[\s,]*({_NAME})\s*=\s*({_QUOTED}|[^\s,\"]+)\s*(?=,|\Z)", re.DOTALL)
_SCHEME = re.compile(rf"[\s,]*({_NAME})(?=[\s,]|\Z)")
_TOKEN68 = re.compile(r"\s+[A-Za-z0-9._~+/-]+=*\s*(?=,|\Z)")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Challenge:
    """One way to say who one is."""

    scheme: str
    """In lower case: ``bearer``, ``basic``, …"""

    parameters: Mapping[str, str]
    """Their names in lower case."""


def parse_challenges(headers: Iterable[str]) -> tuple[Challenge, ...]:
    """Return all challenges in the values of the header; what cannot be read is left out."""
    return tuple(challenge for header in headers for challenge in _challenges(header))


def _challenges(text: str) -> Iterator[Challenge]:
    position = 0
    while scheme := _SCHEME.match(text, position):
        position = scheme.end()
        parameters: dict[str, str] = {}
        if token68 := _TOKEN68.match(text, position):
            position = token68.end()
        while parameter := _PARAMETER.match(text, position):
            position = parameter.end()
            parameters.setdefault(parameter[1].lower(), _value(parameter[2]))
        yield Challenge(scheme[1].lower(), parameters)


def _value(text: str) -> str:
    return _ESCAPED.sub(r"\1", text[1:-1]) if text.startswith('"') else text
