"""One requirement's text, and what it says of its package."""

import re

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

_HASHES = re.compile(r"\s+--hash=\S+")


def parsed(text: str) -> Requirement | None:
    """Return a requirement without its hashes; None for a bare URL, which names no package."""
    try:
        return Requirement(_HASHES.sub("", text))
    except InvalidRequirement:
        return None


def package_name(text: str) -> str | None:
    """Return the normalised name of the package that a requirement asks for; None for a bare URL."""
    requirement = parsed(text)
    return canonicalize_name(requirement.name) if requirement else None


def pinned_version(text: str) -> Version | None:
    """Return the one version that a requirement allows; None where it allows others or tells none."""
    requirement = parsed(text)
    specifiers = list(requirement.specifier) if requirement else []
    if len(specifiers) != 1 or specifiers[0].operator not in {"==", "==="}:
        return None
    try:
        return Version(specifiers[0].version)
    except InvalidVersion:  # a prefix such as ==2.*
        return None
