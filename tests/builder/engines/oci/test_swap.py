"""Another model in a finished image."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lading.engines.oci.assembly import assemble, own_names
from lading.engines.oci.swap import with_model
from lading.errors import InvalidImage

from tests.builder.engines.oci.test_assembly import LAYERS, base_of, layer
from tests.builder.test_plan import plan

MODEL = {
    "org.opencontainers.image.title": "iris",
    "org.opencontainers.image.version": "2",
    "ai.lading.model.run-id": None,
}
WORDS = st.text("abc =\"'\\", min_size=1)


def image_of(plain, model, labels, **run):
    """An image of *model*, whose labels those are."""
    known = {name: text for name, text in labels.items() if text is not None}
    kept = {name: text for name, text in plain.labels.items() if name not in labels}
    base = base_of(layer("base"), **run)
    return assemble(replace(plain, labels={**kept, **known}), base, replace(LAYERS, model=(layer(model),)))


def test_the_image_is_the_one_that_a_build_would_make():
    """Byte for byte: layers, labels, history and annotations are those of a build of the new model."""
    old = image_of(plan(labels={"team": "x"}), "old", MODEL | {"ai.lading.model.run-id": "r1"})

    new = with_model(old, "iris:1", layer("new"), MODEL | {"org.opencontainers.image.version": None})

    built = image_of(plan(labels={"team": "x"}), "new", MODEL | {"org.opencontainers.image.version": None})
    assert new.manifest_bytes == built.manifest_bytes
    assert new.config_bytes == built.config_bytes


def test_a_label_of_the_base_is_not_taken_for_the_models():
    """What the base says of its own version stays where the model says nothing of its version."""
    unknown = MODEL | {"org.opencontainers.image.version": None}
    base = {"Labels": {"org.opencontainers.image.version": "bookworm"}}

    new = with_model(image_of(plan(), "old", unknown, **base), "iris:1", layer("new"), unknown)

    assert new.config.labels["org.opencontainers.image.version"] == "bookworm"
    assert "org.opencontainers.image.version" not in new.annotations


@given(st.dictionaries(WORDS, WORDS))
def test_there_and_back_is_the_old_image(labels):
    """Swapping back gives the same bytes again, whatever the user's labels are."""
    old = image_of(plan(labels=labels), "old", MODEL)

    new = with_model(old, "iris:1", layer("new"), MODEL | {"org.opencontainers.image.version": "3"})

    assert with_model(new, "iris:1", layer("old"), MODEL).manifest_bytes == old.manifest_bytes
    assert set(labels) <= set(own_names(new.config.labels))


def test_an_image_that_does_not_name_its_labels_is_refused():
    """Nothing is guessed of an image that was changed, or made by an older Lading."""
    old = image_of(plan(), "old", MODEL)
    labels = {name: text for name, text in old.config.labels.items() if name != "ai.lading.labels"}

    with pytest.raises(InvalidImage, match=r"ai.lading.labels is missing"):
        with_model(replace(old, config=old.config.running({"Labels": labels})), "iris:1", layer("new"), MODEL)
