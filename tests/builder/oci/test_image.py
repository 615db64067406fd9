"""Images as values: what they are made of names them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lading.digest import Digest
from lading.errors import InvalidImage
from lading.oci import media_types
from lading.oci.blob import BytesBlob
from lading.oci.config import Config
from lading.oci.descriptor import Descriptor
from lading.oci.image import Image, Index, Layer, chain_ids

BASE = {
    "architecture": "amd64",
    "os": "linux",
    "config": {"Env": ["PATH=/usr/bin", "EMPTY="], "User": "0"},
    "history": [{"created_by": "ADD"}, {"created_by": "ENV", "empty_layer": True}],
    "rootfs": {"type": "layers", "diff_ids": [str(Digest.of(b"base"))]},
    "author": "somebody",
}


def layer(content: bytes, created_by: str = "COPY") -> Layer:
    """Return a layer of some bytes, which need be no archive here."""
    return Layer(Descriptor.of(media_types.TAR, content), Digest.of(content), BytesBlob(content), created_by)


def image(*contents: bytes) -> Image:
    """Return an image of such layers on the base."""
    return Image(Config(BASE), (layer(b"base"),)).with_layers([layer(b"base"), *map(layer, contents)])


def test_layers_on_a_base_keep_its_history_and_all_that_it_says():
    """One entry is added for each new layer; members that Lading does not know stay."""
    config = image(b"model").config

    assert [step["created_by"] for step in config.history] == ["ADD", "ENV", "COPY"]
    assert config.diff_ids == (Digest.of(b"base"), Digest.of(b"model"))
    assert config.members["author"] == "somebody"
    assert config.env == {"PATH": "/usr/bin", "EMPTY": ""}


def test_a_history_that_does_not_fit_its_layers_is_written_anew():
    """Tools choke on a base whose history tells of other layers than it has; one entry each is right."""
    odd = Config({**BASE, "history": [{"created_by": "ADD"}, {"created_by": "RUN"}]})

    history = Image(odd, (layer(b"base"),)).with_layers([layer(b"base"), layer(b"x")]).config.history

    assert [step["created_by"] for step in history] == ["COPY", "COPY"]


def test_a_layer_that_is_replaced_takes_its_history_with_it():
    """What lay above the place where the layers part is described anew."""
    first = image(b"environment", b"model 1")

    second = first.with_layers([*first.layers[:2], layer(b"model 2", "swap")])

    assert [step["created_by"] for step in second.config.history] == ["ADD", "ENV", "COPY", "swap"]


def test_equal_images_have_equal_bytes_whatever_the_order_of_members():
    """Manifest and configuration do not depend on how their members were put together."""
    turned = Config(dict(reversed(BASE.items())))

    assert Image(turned, (layer(b"base"),)).descriptor == Image(Config(BASE), (layer(b"base"),)).descriptor


def test_a_manifest_names_configuration_and_layers_by_digest_and_size():
    """It is an OCI manifest, its media type included."""
    made = image(b"model")

    manifest = json.loads(made.manifest_bytes)

    assert manifest["mediaType"] == media_types.MANIFEST
    assert manifest["config"]["digest"] == str(made.id)
    assert [Descriptor.parse(each) for each in manifest["layers"]] == [x.descriptor for x in made.layers]


def test_an_index_tells_the_platform_of_each_image():
    """Engines choose by it."""
    (entry,) = json.loads(Index((image(b"x"),)).index_bytes)["manifests"]

    assert entry["platform"] == {"os": "linux", "architecture": "amd64"}


def test_chain_ids_are_those_of_the_specification():
    """The lowest is the diff id itself; each further one covers the one below it."""
    first, second = Digest.of(b"1"), Digest.of(b"2")

    assert chain_ids([first, second]) == (first, Digest.of(f"{first} {second}".encode()))


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"os": "linux", "architecture": "amd64"}', '{"rootfs": 1}', "[" * 100_000]
)
def test_what_is_no_configuration_is_refused(text):
    """The error says so, whatever was read."""
    with pytest.raises(InvalidImage, match="configuration"):
        Config.parse(text.encode())


@pytest.mark.parametrize(
    "member",
    [
        {"os": 1},
        {"rootfs": {"diff_ids": "abc"}},
        {"rootfs": {"diff_ids": [1]}},
        {"config": [1]},
        {"config": {"Env": [1]}},
        {"config": {"Env": 1}},
        {"config": {"Labels": ["x"]}},
        {"config": {"Labels": {"x": 1}}},
        {"config": {"Labels": {"x": "\ud800"}}},
        {"history": [1]},
        {"history": 1},
    ],
)
def test_members_of_another_kind_are_refused(member):
    """A base whose configuration is nonsense is told when it is read, not found somewhere later."""
    with pytest.raises(InvalidImage, match="the image's configuration cannot be read"):
        Config.parse(json.dumps({**BASE, **member}).encode())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
)


@given(JSON)
def test_what_is_no_descriptor_is_refused(document):
    """Any JSON value is read, or refused with the typed error."""
    with pytest.raises(InvalidImage):
        Descriptor.parse(document)


def test_a_descriptor_is_written_as_it_was_read():
    """Members that Lading does not know come out again."""
    document = {
        "mediaType": media_types.TAR_GZIP,
        "digest": str(Digest.of(b"")),
        "size": 7,
        "urls": ["https://example.org/x"],
        "platform": {"os": "linux", "architecture": "arm64", "variant": "v8"},
        "annotations": {"a": "b"},
    }

    assert Descriptor.parse(document).document() == document
