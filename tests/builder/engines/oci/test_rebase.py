"""Another base or server in a finished image."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lading.engines.oci.assembly import assemble
from lading.engines.oci.bases.base import Base
from lading.engines.oci.environment import links_layer
from lading.engines.oci.rebase import NewServer, on_base, with_server
from lading.engines.oci.scheme import Scheme
from lading.environment import PythonMinor
from lading.errors import BuildFailed, InvalidImage
from lading.oci.image import Image
from lading.plan import named_base

from tests.builder.engines.oci.test_assembly import LAYERS, base_of, layer
from tests.builder.test_plan import plan

PYTHON = PythonMinor(3, 11)
ELSEWHERE = "/usr/local/bin/python3.11"
TEXTS = st.text("abc xyz='\"\\", max_size=5)
NAMES = st.text("ABCXYZ_", min_size=1, max_size=3)


def base(*names: str, python: str = "/usr/bin/python3.11", name: str = "old", **run) -> Base:
    """A base with layers of these names."""
    return replace(base_of(*map(layer, names), **run), python=python, name=name)


def image_on(under: Base, **options) -> Image:
    """An image with real links to the base's interpreter."""
    layers = replace(
        LAYERS,
        server=(layer("s1"), links_layer(Scheme("/opt/lading", PYTHON), under.python)),
        environment=(layer("e1"), links_layer(Scheme("/opt/env", PYTHON), under.python)),
    )
    return assemble(plan(base=named_base(under.name), **options), under, layers)


def test_the_image_is_the_one_that_a_build_would_make():
    """Byte for byte: layers, links, settings, labels, history and annotations of a build on the new base."""
    old = base("a", "b", Env=["PATH=/bin", "OLD=1"], Labels={"of": "the old base"}, Volumes={"/data": {}})
    new = base("c", name="new", python=ELSEWHERE, Env=["PATH=/usr/bin", "PORT=1"], User="0", Shell=["sh"])
    options = {"port": 9000, "env": {"GREETING": "a=b c"}, "labels": {"team": "x y"}}

    rebased = on_base(image_on(old, **options), "iris:1", new)

    built = image_on(new, **options)
    assert rebased.config_bytes == built.config_bytes
    assert rebased.manifest_bytes == built.manifest_bytes


@given(
    st.lists(st.text("abc", min_size=1), max_size=3, unique=True),
    st.dictionaries(NAMES, TEXTS),
    st.dictionaries(TEXTS.filter(bool), TEXTS),
)
def test_there_and_back_is_the_old_image(names, variables, labels):
    """Whatever the bases say, nothing of the one stays on the other."""
    env = [f"{name}={text}" for name, text in variables.items()]
    old, new = base("x", "y"), base(*names, python=ELSEWHERE, name="new", Env=env, Labels=labels)
    image = image_on(old)

    assert on_base(on_base(image, "iris:1", new), "iris:1", old).manifest_bytes == image.manifest_bytes


def test_links_of_another_lading_are_not_guessed():
    """Where the interpreter is elsewhere, and the old links are not as we know them, the image is refused."""
    old = image_on(base("a"))
    links = old.layers[2]
    strange = replace(layer("other bytes"), created_by=links.created_by)
    changed = old.with_layers((*old.layers[:2], strange, *old.layers[3:]))

    assert on_base(changed, "iris:1", base("b")).layers[2].diff_id == strange.diff_id
    with pytest.raises(InvalidImage, match=r"Python at /usr/bin/python3.11, the base at /usr/local"):
        on_base(changed, "iris:1", base("b", python=ELSEWHERE))


def test_an_environment_of_conda_stays_as_it_is():
    """It brings its own Python, so it has no links to the base's; the server's are written anew."""
    links = links_layer(Scheme("/opt/lading", PYTHON), "/usr/bin/python3.11")
    image = assemble(plan(), base("a"), replace(LAYERS, server=(layer("s1"), links)))

    rebased = on_base(image, "iris:1", base("b", python=ELSEWHERE))

    assert rebased.layers[3:] == image.layers[3:]
    assert ELSEWHERE in rebased.layers[2].created_by


@pytest.mark.parametrize("label", ["ai.lading.env", "ai.lading.labels"])
def test_what_does_not_say_whose_its_settings_are_is_refused(label):
    """Without the label, settings of the image would be lost as the old base's."""
    image = image_on(base("a"))
    labels = {name: text for name, text in image.config.labels.items() if name != label}
    bare = replace(image, config=image.config.running({"Labels": labels}))

    with pytest.raises(InvalidImage, match=f"label {label} is missing"):
        on_base(bare, "iris:1", base("b"))


def test_too_many_layers_are_refused():
    """The message counts them, as that of a build does."""
    with pytest.raises(BuildFailed, match=r"of them of 'old'; engines mount 127"):
        on_base(image_on(base("a")), "iris:1", base(*map(str, range(125))))


def server(*bytecode: str) -> NewServer:
    """Another server."""
    return NewServer(
        (layer("t1"), layer("t2")), (layer("u"),), tuple(map(layer, bytecode)), "sha256:1", "9.9"
    )


def test_a_new_server_takes_the_place_of_the_old_one():
    """Its layers, its lock and its version change; environment, model and their bytecode stay."""
    layers = replace(LAYERS, bytecode=(layer("pyc in /opt/lading"), layer("pyc in /opt/env")))
    image = assemble(plan(), base("a"), layers)

    renewed = with_server(image, "iris:1", server("new pyc in /opt/lading"))

    names = ["a", "t1", "t2", "e", "u", "new pyc in /opt/lading", "pyc in /opt/env", "model"]
    assert [each.created_by for each in renewed.layers] == names
    assert renewed.config.labels["ai.lading.server.lock"] == "sha256:1"
    assert renewed.config.labels["ai.lading.version"] == "9.9"
    assert renewed.config.labels["ai.lading.layers"].startswith("base=1 server=2 environment=1 runtime=1")


def test_an_image_without_bytecode_gets_none():
    """--bytecode off stays what the image was built with."""
    image = assemble(plan(), base("a"), replace(LAYERS, bytecode=()))

    renewed = with_server(image, "iris:1", server("new pyc in /opt/lading"))

    assert "bytecode=0" in renewed.config.labels["ai.lading.layers"]
