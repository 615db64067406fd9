"""Manifests and indexes as they are read, of any writer."""

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
from lading.oci.manifest import choose, config_descriptor, read_image, read_index, require

AMD64, ARM64 = Platform("linux", "amd64"), Platform("linux", "arm64")


def config(count: int, **members) -> bytes:
    """Return a configuration of *count* layers."""
    diff_ids = [str(Digest.of(b"%d" % number)) for number in range(count)]
    return json.dumps(
        {"os": "linux", "architecture": "amd64", "rootfs": {"diff_ids": diff_ids}} | members
    ).encode()


def manifest(*kinds: str) -> bytes:
    """Return a manifest whose layers are of these kinds."""
    layers = [Descriptor.of(kind, b"x").document() for kind in kinds]
    return json.dumps({"schemaVersion": 2, "layers": layers}).encode()


def test_kinds_of_docker_become_those_of_oci():
    """One manifest never mixes them, and what is written is OCI's."""
    docker = "application/vnd.docker.image.rootfs.diff.tar.gzip"

    image = read_image(manifest(docker, media_types.TAR), config(2), lambda _: BytesBlob(b"x"))

    assert [each.descriptor.media_type for each in image.layers] == [media_types.TAR_GZIP, media_types.TAR]


def test_what_made_a_layer_comes_from_the_history():
    """Steps that made none are skipped; a history that does not fit says nothing."""
    fitting: list[dict[str, object]] = [
        {"created_by": "ADD"},
        {"created_by": "ENV", "empty_layer": True},
        {"created_by": "RUN"},
    ]

    def made_by(history: list[dict[str, object]]) -> list[str]:
        read = read_image(
            manifest(*[media_types.TAR] * 2), config(2, history=history), lambda _: BytesBlob(b"")
        )
        return [each.created_by for each in read.layers]

    assert made_by(fitting) == ["ADD", "RUN"]
    assert made_by(fitting[:2]) == ["", ""]


def test_manifest_and_configuration_must_agree():
    """The error says how they differ."""
    with pytest.raises(InvalidImage, match="1 layers, the configuration 2"):
        read_image(manifest(media_types.TAR), config(2), lambda _: BytesBlob(b""))


def test_old_manifests_are_refused():
    """Schema 1 has neither configuration nor a list of layers."""
    with pytest.raises(InvalidImage, match="schema 1"):
        config_descriptor(b'{"schemaVersion": 1, "fsLayers": []}')
    with pytest.raises(InvalidImage, match="schema 1"):
        read_image(b'{"schemaVersion": 1, "fsLayers": []}', config(0), lambda _: BytesBlob(b""))


def entry(
    platform: Platform | None, variant: str | None = None, kind: str = media_types.MANIFEST
) -> Descriptor:
    """Return an entry of an index."""
    return Descriptor(kind, Digest.of(f"{platform}{variant}".encode()), 1, platform=platform, variant=variant)


def test_the_first_entry_that_fits_is_chosen():
    """A plain one before a special variant; an entry of no platform last; attestations never."""
    unknown = entry(Platform("unknown", "unknown"))
    special, plain, unnamed = entry(ARM64, "v9"), entry(ARM64, "v8"), entry(None)
    artifact = entry(ARM64, kind="application/vnd.example.artifact")

    assert choose([artifact, unknown, special, plain, unnamed], ARM64) == plain
    assert choose([unnamed, special], ARM64) == special
    assert choose([unknown, special, unnamed], AMD64) == unnamed
    assert choose([unknown, special], AMD64) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["layers", "manifests", "config", "annotations", "x"]), inner, max_size=4
        )
    ),
)


@given(JSON)
def test_what_is_none_is_refused(document):
    """Any JSON value is read, or refused with the typed error."""
    data = json.dumps(document).encode()
    for read in (
        read_index,
        config_descriptor,
        lambda text: read_image(text, config(1), lambda _: BytesBlob(b"")),
    ):
        try:
            read(data)
        except LadingError:
            continue


def test_documents_are_checked():
    """Size and digest are those of the descriptor."""
    descriptor = Descriptor.of(media_types.MANIFEST, b"{}")

    assert require(b"{}", descriptor) == b"{}"
    for data in (b"{} ", b"[]"):
        with pytest.raises(InvalidImage, match="damaged"):
            require(data, descriptor)
