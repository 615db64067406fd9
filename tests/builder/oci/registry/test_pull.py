"""Manifests that are pulled, and those that are refused."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lading.digest import Digest
from lading.environment import Platform
from lading.errors import InvalidImage, LadingError
from lading.oci import media_types
from lading.oci.blob import BytesBlob
from lading.oci.descriptor import Descriptor
from lading.oci.registry.pull import read_image
from lading.oci.registry.repository import Manifest

from tests.registries.images import AMD64, image, layer

ARM64 = Platform("linux", "arm64")


class Parts:
    """Manifests and blobs in memory."""

    def __init__(self, *documents, tag=None):
        self.by_name = {str(Digest.of(data)): (kind, data) for kind, data in documents}
        self.by_name["tag"] = documents[-1] if tag is None else tag

    def manifest(self, reference):
        """Return a manifest."""
        kind, data = self.by_name.get(str(reference), ("", None))
        return None if data is None else Manifest(Descriptor.of(kind, data), data)

    def small_blob(self, descriptor):
        """Return a configuration."""
        return self.by_name[str(descriptor.digest)][1]

    def blob(self, descriptor):
        """Return nothing, as nobody reads it."""
        return BytesBlob(b"")


def documents(made, media_type=media_types.MANIFEST, **changes):
    """Return configuration and manifest of an image, the latter changed."""
    members = {**json.loads(made.manifest_bytes), "mediaType": media_type, **changes}
    data = json.dumps(members).encode()
    return [(media_types.CONFIG, made.config_bytes), (media_type, data)]


def index(*entries):
    """Return an index of descriptors with platforms."""
    manifests = []
    for (kind, data), architecture, variant in entries:
        platform = {"os": "linux", "architecture": architecture} | ({"variant": variant} if variant else {})
        manifests.append({**Descriptor.of(kind, data).document(), "platform": platform})
    members = {"schemaVersion": 2, "mediaType": media_types.INDEX, "manifests": manifests}
    return (media_types.INDEX, json.dumps(members).encode())


def read(parts, platform=AMD64):
    """Return the image behind the tag."""
    return read_image(parts, "host/a:tag", "tag", platform).image


def test_the_first_entry_with_the_usual_variant_is_chosen():
    """``v8`` is what arm64 is; an attestation has no platform; an older processor's image is not ours."""
    made = [image(layer(str(number).encode()), architecture="arm64") for number in range(3)]
    parts = [documents(each) for each in made]
    entries = [
        (parts[0][1], "unknown", None),
        (parts[0][1], "arm64", "v9"),
        (parts[1][1], "arm64", "v8"),
        (parts[2][1], "arm64", None),
    ]

    chosen = read(Parts(*(each for pair in parts for each in pair), index(*entries)), ARM64)

    assert chosen.id == made[1].id
    with pytest.raises(InvalidImage, match="not for linux/amd64, but for linux/arm64"):
        read(Parts(index(*entries)))


def test_a_manifest_need_not_say_what_it_is():
    """Its members do, where neither it nor the registry has a media type."""
    made = image(layer(b"x"))
    config, (_, data) = documents(made)
    bare = json.dumps({key: value for key, value in json.loads(data).items() if key != "mediaType"}).encode()

    assert read(Parts(config, ("", bare))).id == made.id


def test_dockers_kinds_become_ocis():
    """One manifest never mixes the two; foreign layers stay what they are."""
    made = image(layer(b"x"), layer(b"y"))
    kinds = ["diff.tar.gzip", "foreign.diff.tar.gzip"]
    layers = [
        {**each.descriptor.document(), "mediaType": f"application/vnd.docker.image.rootfs.{kind}"}
        for each, kind in zip(made.layers, kinds, strict=True)
    ]

    pulled = read(Parts(*documents(made, media_types.DOCKER_MANIFEST, layers=layers)))

    assert [each.descriptor.media_type for each in pulled.layers] == [
        media_types.TAR_GZIP,
        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
    ]


@pytest.mark.parametrize(
    ("kind", "members", "reason"),
    [
        (media_types.DOCKER_SCHEMA_1, {"schemaVersion": 1}, "before 2016"),
        ("application/json", {"schemaVersion": 1}, "before 2016"),
        ("application/vnd.example", {}, "no image: it is 'application/vnd.example'"),
        (media_types.MANIFEST, {}, "descriptor"),
        (media_types.INDEX, {}, "lists nothing"),
        (media_types.MANIFEST, {"config": Descriptor.of("text/plain", b"").document()}, "no image that runs"),
    ],
)
def test_what_is_no_image_is_refused(kind, members, reason):
    """The error says what it is, and of the oldest format what to do."""
    with pytest.raises(InvalidImage, match=reason):
        read(Parts((kind, json.dumps(members).encode())))


def test_layers_that_are_not_configured_are_refused():
    """Each layer has a digest of its content."""
    with pytest.raises(InvalidImage, match="has 0 layers, but configures 1"):
        read(Parts(*documents(image(layer(b"x")), layers=[])))


@pytest.mark.parametrize("kind", [media_types.MANIFEST, media_types.INDEX])
def test_an_index_of_indexes_is_refused(kind):
    """Nobody makes those for images, whether they say so or not."""
    inner = index()
    outer = json.loads(index((inner, "amd64", None))[1])
    outer["manifests"][0]["mediaType"] = kind

    with pytest.raises(InvalidImage, match="index of indexes"):
        read(Parts(inner, (media_types.INDEX, json.dumps(outer).encode())))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["config", "layers", "manifests", "schemaVersion", "mediaType", "digest", "size"]
            ),
            inner,
        )
    ),
)


@given(st.sampled_from(["", media_types.MANIFEST, media_types.INDEX, media_types.DOCKER_MANIFEST]), JSON)
def test_any_document_is_read_or_refused(kind, members):
    """What a registry sends is only believed where it makes sense."""
    with pytest.raises(LadingError):
        read(Parts((kind, json.dumps(members).encode())))
