"""What the names of base images begin with; the places themselves are imported when a name asks for them."""

from lading.environment import PythonMinor

DEBIAN = "debian:"
LAYOUT = "oci:"
OCI_ARCHIVE = "oci-archive:"
DOCKER_ARCHIVE = "docker-archive:"
ENGINE = "docker-daemon:"

_SUITES = {
    PythonMinor(3, 9): "bullseye",
    PythonMinor(3, 11): "bookworm",
    PythonMinor(3, 13): "trixie",
}
"""Debian's stable suites of the last years, by the Python that they have."""


def default_name(python: PythonMinor) -> str | None:
    """Return the name of the Debian base with this Python; None where no suite has it."""
    suite = _SUITES.get(python)
    return f"{DEBIAN}{suite}" if suite else None


def ways_out(python: PythonMinor, suite: str) -> str:
    """Return what a user can do whose model needs a Python that *suite* has not."""
    other = default_name(python)
    ways = [other] if other else []
    ways += [f"debian:{suite}+uv (uv installs it)", f"debian:{suite}+host (this machine's own)"]
    return f"give --base-image {', '.join(ways)}, or another image with Python {python}"
