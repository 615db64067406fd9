"""Archives as ``docker save`` and ``podman save`` write them."""

import gzip
import io
import json
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lading.digest import Digest
from lading.environment import Platform
from lading.errors import BuildFailed, InvalidImage, LadingError
from lading.oci import media_types
from lading.oci.archive_reading import ArchiveFile
from lading.oci.blob import BytesBlob
from lading.oci.docker_archive import Member, read_docker_archive

AMD64 = Platform("linux", "amd64")


def config(*layers: bytes) -> bytes:
    """Return the configuration of an image with these layers."""
    diff_ids = [str(Digest.of(each)) for each in layers]
    return json.dumps({"os": "linux", "architecture": "amd64", "rootfs": {"diff_ids": diff_ids}}).encode()


def manifest(layers: list[str], *names: str) -> bytes:
    """Return the manifest.json of one image."""
    return json.dumps([{"Config": "c.json", "RepoTags": list(names) or None, "Layers": layers}]).encode()


def members(files: dict[str, bytes]) -> dict[str, Member]:
    """Return files as an archive has them."""
    return {path: Member(BytesBlob(data), len(data)) for path, data in files.items()}


def test_layers_are_known_by_their_first_bytes(tmp_path):
    """A tar archive is its own diff id; a compressed one is hashed where its path tells nothing."""
    packed, named = gzip.compress(b"packed"), gzip.compress(b"named")
    paths = ["a/layer.tar", "b.tar", f"blobs/sha256/{Digest.of(named).hex}"]
    contents = [b"plain", packed, named]
    files = dict(zip(paths, contents, strict=True))
    files |= {"c.json": config(b"plain", b"packed", b"named"), "manifest.json": manifest(paths)}

    image = read_docker_archive(members(files), None, AMD64)

    kinds = [each.descriptor.media_type for each in image.layers]
    assert kinds == [media_types.TAR, media_types.TAR_GZIP, media_types.TAR_GZIP]
    assert [each.descriptor.digest for each in image.layers] == list(map(Digest.of, contents))


def test_a_layer_may_be_a_link_to_an_equal_one(tmp_path):
    """Docker 20.10 writes it once, and ``../<id>/layer.tar`` for the other."""
    path = tmp_path / "image.tar"
    with tarfile.open(path, "w") as archive:
        for name, data in (
            ("a/layer.tar", b"same"),
            ("c.json", config(b"same", b"same")),
            ("manifest.json", manifest(["a/layer.tar", "b/layer.tar"])),
        ):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        link = tarfile.TarInfo("b/layer.tar")
        link.type, link.linkname = tarfile.SYMTYPE, "../a/layer.tar"
        archive.addfile(link)

    image = ArchiveFile.open(Path(path)).find_as_docker(None, AMD64).image

    assert [b"".join(each.blob.chunks()) for each in image.layers] == [b"same", b"same"]


@pytest.mark.parametrize("wanted", ["iris", "iris:latest", "docker.io/library/iris:latest", None])
def test_names_may_be_written_with_or_without_the_default_host(wanted):
    """Docker leaves it out, Podman writes it."""
    files = {"c.json": config(), "manifest.json": manifest([], "iris:latest")}

    assert read_docker_archive(members(files), wanted, AMD64).layers == ()


def test_several_images_need_a_name():
    """The error lists them."""
    entries = [*json.loads(manifest([], "a:1")), *json.loads(manifest([], "b:1"))]
    files = members({"c.json": config(), "manifest.json": json.dumps(entries).encode()})

    with pytest.raises(BuildFailed, match="several images; name one of these: a:1, b:1"):
        read_docker_archive(files, None, AMD64)
    with pytest.raises(BuildFailed, match="no image 'c:1'; it has: a:1, b:1"):
        read_docker_archive(files, "c:1", AMD64)


def test_an_image_for_another_platform_is_refused():
    """The error names both."""
    files = {"c.json": config(), "manifest.json": manifest([])}

    with pytest.raises(BuildFailed, match="for linux/amd64, not for linux/arm64"):
        read_docker_archive(members(files), None, Platform("linux", "arm64"))


def test_files_that_are_not_there_are_named():
    """The archive was cut, or Docker left layers out."""
    files = {"c.json": config(b"1"), "manifest.json": manifest(["a/layer.tar"])}

    with pytest.raises(InvalidImage, match=r"lacks its file 'a/layer\.tar'"):
        read_docker_archive(members(files), None, AMD64)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"c.json": config(b"1"), "manifest.json": manifest([])}, "0 layers, its configuration 1"),
        ({"c.json": config(), "manifest.json": b"[1]"}, "no list of images"),
        ({"c.json": config(), "manifest.json": b"["}, "no JSON"),
        ({"c.json": config(), "manifest.json": bytes(5 << 20)}, "too large"),
        (
            {
                "c.json": config(b"1"),
                "blobs/sha256/x": gzip.compress(b"1"),
                "manifest.json": manifest(["blobs/sha256/x"]),
            },
            "names a blob 'x'",
        ),
    ],
)
def test_a_damaged_archive_is_refused(files, message):
    """The error says what is wrong with it."""
    with pytest.raises(InvalidImage, match=message):
        read_docker_archive(members(files), None, AMD64)


def test_names_that_no_reference_could_be_are_compared_as_they_are():
    """Whatever wrote them, the image can be had."""
    files = {"c.json": config(), "manifest.json": manifest([], "Not A Name")}

    assert read_docker_archive(members(files), "Not A Name", AMD64).layers == ()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["c.json", "x"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["Config", "Layers", "RepoTags", "x"]), inner, max_size=4)
    ),
)


@given(JSON, st.sampled_from([b"", config(b"1"), b"{}"]))
def test_what_is_no_manifest_is_refused(document, about):
    """Any JSON value gives an image without layers, or a typed error."""
    files = members({"c.json": about, "manifest.json": json.dumps(document).encode()})

    with pytest.raises(LadingError):
        read_docker_archive(files, None, AMD64)
