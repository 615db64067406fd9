"""Which captured environments are the same, whoever captured them, where, and in which order.

An image keeps this as a label, so that `lading swap-model` knows without locking that another model's
environment is the one in the image.
"""

from pathlib import Path
from urllib.parse import urlsplit

from lading import folder
from lading.digest import Digest
from lading.environment import Environment, PackageIndex
from lading.oci import document
from lading.uv_process import without_credentials

_FORMAT = 1
"""Counted up when the same environment gets another digest."""


def identity(environment: Environment) -> Digest:
    """Return what is equal for equal environments: no folder of this machine and no password is part of it.

    Raises:
        InvalidModel: a folder of package files in the model cannot be read.
    """
    conda = environment.conda
    members = {
        "format": _FORMAT,
        "python": str(environment.python),
        "requirements": sorted(environment.requirements),
        "constraints": sorted(environment.constraints),
        "index": _index(environment.index),
        "wheels": sorted([each.requirement, str(Digest.of_file(each.path))] for each in environment.wheels),
        "conda": [list(conda.channels), sorted(conda.specs)] if conda else None,
    }
    return Digest.of(without_credentials(document.encode(members).decode()).encode())


def _index(index: PackageIndex) -> dict[str, object]:
    """Return what decides which packages an index gives; whose certificates are checked does not."""
    return {
        "index": index.index_url,
        "extra": list(index.extra_index_urls),
        "links": [_place(place) for place in index.find_links],
        "is_used": index.uses_index,
        "prereleases": index.allows_prereleases,
        "no_binary": sorted(index.no_binary),
        "only_binary": sorted(index.only_binary),
    }


def _place(place: str) -> str:
    """Return a page as it is, and a folder by what is in it."""
    return place if urlsplit(place).scheme else str(folder.digest(folder.entries(Path(place))))
