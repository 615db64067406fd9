"""Which layers of a finished image are whose."""

from dataclasses import replace

import pytest
from lading.engines.oci.assembly import assemble
from lading.engines.oci.parts import packages_of, parts_of
from lading.errors import InvalidImage
from lading.oci.config import Config

from tests.builder.engines.oci.test_assembly import LAYERS, base_of, layer
from tests.registries import images


@pytest.fixture
def image(plan_of):
    """An image of Lading."""
    return assemble(plan_of(), base_of(layer("base 1"), layer("base 2")), LAYERS)


def labelled(image, **labels):
    """The image with other labels."""
    return replace(image, config=image.config.running({"Labels": labels}))


def test_an_image_is_taken_apart_as_it_was_put_together(image):
    """The label tells each layer's part."""
    parts = parts_of(image, "iris:1")

    assert [each.created_by for each in parts.base] == ["base 1", "base 2"]
    assert parts.layers == LAYERS


def test_an_image_of_somebody_else_is_refused():
    """The error says that it is not ours, and which command makes one."""
    with pytest.raises(InvalidImage, match=r"iris:1 is no image of Lading; build-image"):
        parts_of(images.random_image(1), "iris:1")


def test_an_image_that_an_engine_built_is_refused(image):
    """The error says how to build one whose parts can be exchanged."""
    labels = {"ai.lading.environment.lock": "sha256:…"}

    with pytest.raises(InvalidImage, match=r"container engine.*build it once with --engine oci"):
        parts_of(labelled(image, **labels), "iris:1")


@pytest.mark.parametrize(
    "text", ["", "base=1", "base=2 server=2 environment=1 runtime=1 bytecode=1 model=0", "base=x server=2"]
)
def test_an_image_that_was_changed_afterwards_is_refused(image, text):
    """Where label and layers do not agree, nothing is guessed."""
    with pytest.raises(InvalidImage, match=r"8 layers.*build it anew"):
        parts_of(labelled(image, **{"ai.lading.layers": text}), "iris:1")


def test_the_history_names_the_packages(image):
    """Versions of the model's environment are in what its layers say of themselves."""
    texts = ["lading: numpy 2.3.1 in /opt/env", "lading: iniconfig 2.0, six 1.17.0 in /opt/env"]
    texts += ["lading: the virtual environment /opt/env of /usr/bin/python3.11"]
    layers = replace(LAYERS, environment=tuple(replace(layer(text), created_by=text) for text in texts))

    found = packages_of(replace(parts_of(image, "iris:1"), layers=layers))

    assert found == {"numpy": "2.3.1", "iniconfig": "2.0", "six": "1.17.0"}


def test_a_configuration_without_labels_is_nobodys(image):
    """Images may have no labels at all."""
    bare = replace(image, config=Config({**image.config.members, "config": {}}))

    with pytest.raises(InvalidImage, match="no image of Lading"):
        parts_of(bare, "iris:1")
