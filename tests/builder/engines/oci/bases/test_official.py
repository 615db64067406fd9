"""The base image of a Python that Debian has not."""

import pytest
from lading.engines.oci.bases.official import OfficialBases
from lading.environment import Platform, PythonMinor
from lading.errors import RegistryError


class Unreachable:
    """A registry that nobody reaches."""

    def find(self, name, platform, python):
        """Fail."""
        raise RegistryError("docker.io does not answer", hint="try again later")


def test_who_reaches_no_registry_is_told_the_ways_out():
    """The error says why the image is wanted, and which bases need no registry."""
    bases = OfficialBases(Unreachable())

    with pytest.raises(RegistryError) as caught:
        bases.find("python:3.12-slim-bookworm", Platform("linux", "amd64"), PythonMinor(3, 12))

    assert str(caught.value) == (
        "Debian has no Python 3.12, and python:3.12-slim-bookworm cannot be had: docker.io does not answer; "
        "give --base-image debian:bookworm+uv (uv installs it), debian:bookworm+host (this machine's own), "
        "or another image with Python 3.12"
    )
