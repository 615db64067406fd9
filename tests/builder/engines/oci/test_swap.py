"""Another model in a finished image."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lading.engines.oci.assembly import assemble, own_env, own_names
from lading.engines.oci.swap import Told, with_model
from lading.errors import InvalidImage

from tests.builder.engines.oci.test_assembly import LAYERS, base_of, layer
from tests.builder.test_plan import plan

MODEL = {
    "org.opencontainers.image.title": "iris",
    "org.opencontainers.image.version": "2",
    "ai.lading.model.run-id": None,
}
WORDS = st.text("abc =\"'\\", min_size=1)


def told(labels, registered=""):
    """What an image says of its model."""
    return Told(labels, {"LADING_REGISTERED_MODEL": registered})


def image_of(plain, model, labels, **run):
    """An image of *model*, whose labels those are."""
    known = {name: text for name, text in labels.items() if text is not None}
    kept = {name: text for name, text in plain.labels.items() if name not in labels}
    base = base_of(layer("base"), **run)
    return assemble(replace(plain, labels={**kept, **known}), base, replace(LAYERS, model=(layer(model),)))


def test_the_image_is_the_one_that_a_build_would_make():
    """Byte for byte: layers, labels, history and annotations are those of a build of the new model."""
    old = image_of(plan(labels={"team": "x"}), "old", MODEL | {"ai.lading.model.run-id": "r1"})

    new = with_model(old, "iris:1", layer("new"), told(MODEL | {"org.opencontainers.image.version": None}))

    built = image_of(plan(labels={"team": "x"}), "new", MODEL | {"org.opencontainers.image.version": None})
    assert new.manifest_bytes == built.manifest_bytes
    assert new.config_bytes == built.config_bytes


@pytest.mark.parametrize("name", ["iris/4", ""])
def test_the_server_is_told_what_the_registry_calls_the_new_model(name):
    """Its name is where the old one's was, also in an image of a Lading that said nothing of names."""
    named = replace(plan(), env={**plan().env, "LADING_REGISTERED_MODEL": "iris/3"})
    older = {name: text for name, text in plan().env.items() if name != "LADING_REGISTERED_MODEL"}

    new = with_model(image_of(named, "old", MODEL), "iris:1", layer("new"), told(MODEL, name))
    newer = with_model(
        image_of(replace(plan(), env=older), "old", MODEL), "iris:1", layer("new"), told(MODEL, name)
    )

    built = image_of(replace(plan(), env={**plan().env, "LADING_REGISTERED_MODEL": name}), "new", MODEL)
    assert new.config_bytes == built.config_bytes
    assert newer.config.env == built.config.env
    assert "LADING_REGISTERED_MODEL" in own_env(newer.config)


def test_a_label_of_the_base_is_not_taken_for_the_models():
    """What the base says of its own version stays where the model says nothing of its version."""
    unknown = MODEL | {"org.opencontainers.image.version": None}
    base = {"Labels": {"org.opencontainers.image.version": "bookworm"}}

    new = with_model(image_of(plan(), "old", unknown, **base), "iris:1", layer("new"), told(unknown))

    assert new.config.labels["org.opencontainers.image.version"] == "bookworm"
    assert "org.opencontainers.image.version" not in new.annotations


@given(st.dictionaries(WORDS, WORDS))
def test_there_and_back_is_the_old_image(labels):
    """Swapping back gives the same bytes again, whatever the user's labels are."""
    old = image_of(plan(labels=labels), "old", MODEL)

    new = with_model(
        old, "iris:1", layer("new"), told(MODEL | {"org.opencontainers.image.version": "3"}, "iris/3")
    )

    assert with_model(new, "iris:1", layer("old"), told(MODEL)).manifest_bytes == old.manifest_bytes
    assert set(labels) <= set(own_names(new.config.labels))


def test_an_image_that_does_not_name_its_labels_is_refused():
    """Nothing is guessed of an image that was changed, or made by an older Lading."""
    old = image_of(plan(), "old", MODEL)
    labels = {name: text for name, text in old.config.labels.items() if name != "ai.lading.labels"}

    with pytest.raises(InvalidImage, match=r"ai.lading.labels is missing"):
        with_model(
            replace(old, config=old.config.running({"Labels": labels})), "iris:1", layer("new"), told(MODEL)
        )
