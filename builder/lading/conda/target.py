"""The machine that conda packages are solved for: the subdirs of a channel, and its virtual packages."""

import os
from collections.abc import Mapping

from lading.environment import Platform

GLIBC = "2.36"
"""That of Debian bookworm, hence of the default base image."""

_LINUX = "5.10"
"""A kernel is the host's, never the image's: the oldest that Debian still has in support."""

_SUBDIRS = {"amd64": "linux-64", "arm64": "linux-aarch64"}
_MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}


def subdir(platform: Platform) -> str:
    """Return the subdir of a channel that has the packages of *platform*."""
    return _SUBDIRS[platform.architecture]


def virtual_packages(
    platform: Platform, environ: Mapping[str, str] = os.environ
) -> tuple[tuple[str, str, str], ...]:
    """Return name, version and build of what is no package but is there: of the image, not of this host.

    ``CONDA_OVERRIDE_CUDA`` (also ``…_GLIBC``, ``…_LINUX``) says what the image will run on, as it does to
    conda: packages for GPUs are only taken with it.
    """
    known = {
        "__unix": ("0", "0"),
        "__linux": (environ.get("CONDA_OVERRIDE_LINUX") or _LINUX, "0"),
        "__glibc": (environ.get("CONDA_OVERRIDE_GLIBC") or GLIBC, "0"),
        "__archspec": ("1", _MACHINES[platform.architecture]),
        "__cuda": (environ.get("CONDA_OVERRIDE_CUDA") or "", "0"),
    }
    return tuple((name, version, build) for name, (version, build) in known.items() if version)
