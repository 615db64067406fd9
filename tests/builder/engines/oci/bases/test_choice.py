"""Which place is asked for a base, and what no base may be."""

import pytest
from lading.engines.oci.bases.base import Base
from lading.engines.oci.bases.choice import ChosenBases
from lading.environment import Platform, PythonMinor
from lading.errors import BuildFailed
from lading.labels import LOCK_LABEL
from lading.oci.image import Image

from tests.builder.engines.oci.bases.test_places import IMAGE

AMD64, PYTHON = Platform("linux", "amd64"), PythonMinor(3, 11)


class Place:
    """Has a base, with *labels*."""

    def __init__(self, **labels: str) -> None:
        self.labels = labels

    def find(self, name: str, platform: Platform, python: PythonMinor) -> Base:
        """Return it."""
        config = IMAGE.config.running({"Labels": self.labels})
        return Base(name, Image(config, IMAGE.layers), "/usr/bin/python3.11", None)


def test_the_beginning_of_a_name_chooses_the_place():
    """Whatever begins with nothing known is in a registry."""
    bases = ChosenBases({"oci:": lambda: Place(at="layout")}, lambda: Place(at="registry"))

    for name, place in {"oci:folder": "layout", "oci/image:1": "registry"}.items():
        assert bases.find(name, AMD64, PYTHON).image.config.labels == {"at": place}


def test_an_image_of_a_model_is_refused_wherever_it_is():
    """Its environment would lie below the new one, in the same folder."""
    place = Place(**{LOCK_LABEL: "x"})

    with pytest.raises(BuildFailed, match="'iris:1' is one of a model"):
        ChosenBases({}, lambda: place).find("iris:1", AMD64, PYTHON)
