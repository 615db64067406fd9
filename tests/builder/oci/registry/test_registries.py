"""Pushing to and pulling from a real registry (Debian's ``docker-registry``), checked by other programs."""

import json
from urllib.request import Request, urlopen

import pytest
from lading.digest import Digest
from lading.environment import Platform
from lading.errors import DigestMismatch, InvalidImage, PushFailed, RegistryError
from lading.oci import media_types
from lading.oci.blob import BytesBlob
from lading.oci.descriptor import Descriptor
from lading.oci.image import Index, Layer
from lading.oci.registry.referrers import Artifact
from lading.oci.registry.registries import Registries
from lading.reference import ImageRef

from tests.conftest import run
from tests.registries.debian import running_registry
from tests.registries.images import AMD64, contents, image, layer, random_image

pytestmark = pytest.mark.container


def test_a_pushed_image_comes_back_as_it_was(registry, registries):
    """Manifest, configuration and layers are the same bytes."""
    made, ref = random_image(1), registry.ref("team/iris:1")

    pushed = registries.push(made, ref)
    pulled = registries.pull(ref, AMD64)

    assert pulled.digest == pushed.digest == made.descriptor.digest == registries.resolve(ref)
    assert pulled.image.manifest_bytes == made.manifest_bytes
    assert contents(pulled.image) == contents(made)


def test_what_was_pushed_is_read_by_skopeo(registry, registries, tmp_path):
    """``skopeo inspect`` tells its layers, ``skopeo copy`` gets all of its bytes."""
    made, ref = random_image(2), registry.ref("skopeo/iris:1")
    registries.push(made, ref)

    told = json.loads(run("skopeo", "inspect", "--tls-verify=false", f"docker://{ref}"))
    run("skopeo", "copy", "--src-tls-verify=false", f"docker://{ref}", f"dir:{tmp_path / 'copy'}")

    assert told["Digest"] == str(made.descriptor.digest)
    assert told["Layers"] == [str(each.descriptor.digest) for each in made.layers]
    names = [each.descriptor.digest.hex for each in made.layers]
    assert [(tmp_path / "copy" / name).read_bytes() for name in names] == contents(made)


def test_what_was_pushed_is_pulled_by_docker(registry, registries):
    """An engine has the same layers under the same digests of their contents."""
    made, ref = image(layer(b"x"), layer(b"y", "other"), Cmd=["/file"]), registry.ref("docker/iris:1")
    registries.push(made, ref)

    run("docker", "pull", "--quiet", ref)
    try:
        (told,) = json.loads(run("docker", "image", "inspect", ref))
    finally:
        run("docker", "image", "rm", ref)

    assert told["Id"] == str(made.id)
    assert told["RootFS"]["Layers"] == [str(each.diff_id) for each in made.layers]


@pytest.mark.parametrize("form", ["oci", "v2s2"])
def test_what_skopeo_copied_is_pulled(registry, registries, tmp_path, form):
    """Docker's media types come in as OCI's, with the same blobs."""
    made, ref = random_image(3), registry.ref(f"from-skopeo/{form}:1")
    first = registry.ref("from-skopeo/source:1")
    registries.push(made, first)
    secure = ("--src-tls-verify=false", "--dest-tls-verify=false")
    run("skopeo", "copy", *secure, "--format", form, f"docker://{first}", f"docker://{ref}")

    pulled = registries.pull(ref, AMD64).image

    assert [each.diff_id for each in pulled.layers] == [each.diff_id for each in made.layers]
    kinds = {each.descriptor.media_type for each in pulled.layers}
    assert kinds <= {media_types.TAR, media_types.TAR_GZIP}
    for each in pulled.layers:
        assert Digest.of(b"".join(each.blob.chunks())) == each.descriptor.digest


def test_what_docker_pushed_is_pulled(registry, registries):
    """An engine's layers are read, and its configuration is kept."""
    ref = registry.ref("from-docker/iris:1")
    made = random_image(4)
    registries.push(made, registry.ref("from-docker/source:1"))
    source = registry.ref("from-docker/source:1")
    run("docker", "pull", "--quiet", source)
    run("docker", "tag", source, ref)
    try:
        run("docker", "push", "--quiet", ref)
    finally:
        run("docker", "image", "rm", ref, source)

    pulled = registries.pull(ref, AMD64).image

    assert pulled.config.diff_ids == made.config.diff_ids


def test_a_push_of_what_is_there_asks_once(registry, tmp_path):
    """One HEAD of the tag's manifest, after the greeting."""
    made, ref = random_image(5), registry.ref("no-op/iris:1")
    with Registries() as registries:
        registries.push(made, ref)
    before = len(registry.requests())

    with Registries() as registries:
        registries.push(made, ref)

    asked = registry.requests()[before:]
    assert [(method, path) for method, path, _ in asked] == [
        ("GET", "/v2/"),
        ("HEAD", "/v2/no-op/iris/manifests/1"),
    ]


def test_layers_of_the_tags_last_image_are_not_asked_for(registry, registries):
    """A manifest in the registry proves its blobs: only new ones are looked for."""
    first = random_image(6)
    second = first.with_layers([*first.layers[:-1], layer(b"changed")])
    ref = registry.ref("changed/iris:1")
    registries.push(first, ref)
    before = len(registry.requests())

    registries.push(second, ref)

    heads = [
        path for method, path, _ in registry.requests()[before:] if method == "HEAD" and "/blobs/" in path
    ]
    assert sorted(heads) == sorted(
        f"/v2/changed/iris/blobs/{digest}" for digest in (second.layers[-1].descriptor.digest, second.id)
    )


def test_blobs_that_the_registry_lost_are_pushed_again(registry, registries):
    """A tag's manifest whose blobs were removed proves nothing: the second try looks at each."""
    first = image(layer(b"kept"), layer(b"lost"))
    second = first.with_layers([*first.layers, layer(b"new")])
    ref = registry.ref("lost/iris:1")
    registries.push(first, ref)
    digest = first.layers[1].descriptor.digest
    url = f"http://{registry.host}/v2/lost/iris/blobs/{digest}"
    with urlopen(Request(url, method="DELETE")) as answer:
        assert answer.status == 202

    registries.push(second, ref)

    assert contents(registries.pull(ref, AMD64).image) == contents(second)


def test_a_base_is_mounted_from_its_repository(registry, registries):
    """Layers of an image in the same registry cost no bytes."""
    base = registry.ref("bases/python:1")
    registries.push(random_image(7), base)
    pulled = registries.pull(base, AMD64).image
    made = pulled.with_layers([*pulled.layers, layer(b"model")])
    before = len(registry.requests())

    registries.push(made, registry.ref("mounted/iris:1"))

    asked = registry.requests()[before:]
    mounts = [status for method, path, status in asked if method == "POST" and "from=bases" in path]
    assert mounts == [201] * 3
    assert not [path for method, path, _ in asked if method == "GET" and "/bases/python/blobs" in path]


def test_a_base_of_another_registry_is_copied_only_where_it_is_missing(registry, registries, tmp_path):
    """Its bytes go from registry to registry the first time, and stay there."""
    with running_registry(tmp_path / "other") as other:
        registries.push(random_image(8), other.ref("python:1"))
        base = registries.pull(other.ref("python:1"), AMD64).image
        registries.push(base.with_layers([*base.layers, layer(b"model 1")]), registry.ref("copied/iris:1"))
        read = len([path for _, path, _ in other.requests() if "/blobs/" in path])

        made = base.with_layers([*base.layers, layer(b"model 2")])
        registries.push(made, registry.ref("copied/iris:2"))

        assert len([path for _, path, _ in other.requests() if "/blobs/" in path]) == read
        assert contents(registries.pull(registry.ref("copied/iris:2"), AMD64).image) == contents(made)


def test_several_tags_are_one_push(registry, registries):
    """Each blob goes up once; all tags name the same manifest."""
    made = random_image(9)
    refs = [registry.ref(f"tags/iris:{tag}") for tag in ("1", "2", "latest")]
    before = len(registry.requests())

    registries.push(made, *refs)

    assert {registries.resolve(ref) for ref in refs} == {made.descriptor.digest}
    uploads = [path for method, path, _ in registry.requests()[before:] if method == "POST"]
    assert len(uploads) == len(made.layers) + 1


def test_an_index_is_pulled_by_platform(registry, registries):
    """Each platform gets its own image from one tag; another one is told what there is."""
    here, there = image(layer(b"amd")), image(layer(b"arm"), architecture="arm64")
    index, ref = Index((here, there)), registry.ref("index/iris:1")

    registries.push(index, ref)

    assert registries.resolve(ref) == index.descriptor.digest
    assert contents(registries.pull(ref, Platform("linux", "arm64")).image) == contents(there)
    assert contents(registries.pull(ref, AMD64).image) == contents(here)
    with pytest.raises(InvalidImage, match="not for linux/s390x, but for linux/amd64, linux/arm64"):
        registries.pull(ref, Platform("linux", "s390x"))


def test_nothing_is_tagged_when_a_layer_is_not_what_it_says(registry, registries):
    """The tag keeps what it had; the error names the blob and what to do."""
    good, ref = random_image(10), registry.ref("tampered/iris:1")
    registries.push(good, ref)
    promised = layer(b"promised").descriptor
    bad = Layer(promised, promised.digest, BytesBlob(bytes(promised.size_bytes)))

    with pytest.raises(DigestMismatch, match=f"{promised.digest}.*build again"):
        registries.push(good.with_layers([bad]), ref)

    assert registries.resolve(ref) == good.descriptor.digest


def test_what_is_not_there_is_none(registry, registries):
    """A tag or a repository that nobody pushed has no digest, and no image to pull."""
    ref = registry.ref("nobody/pushed:this")

    assert registries.resolve(ref) is None
    with pytest.raises(RegistryError, match=f"{ref} is not in its registry"):
        registries.pull(ref, AMD64)


def test_an_image_is_pulled_by_digest(registry, registries):
    """A reference with a digest names that image, whatever the tag is now."""
    made = random_image(11)
    registries.push(made, registry.ref("pinned/iris:1"))
    registries.push(random_image(12), registry.ref("pinned/iris:1"))

    pulled = registries.pull(registry.ref(f"pinned/iris@{made.descriptor.digest}"), AMD64)

    assert pulled.image.descriptor == made.descriptor


def test_a_foreign_layer_is_neither_pushed_nor_lost(registry, registries):
    """A manifest may name layers that registries are not meant to have."""
    kind = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"
    foreign = Descriptor(kind, Digest.of(b"elsewhere"), 9, others={"urls": ["https://example.org/layer"]})
    made = image(layer(b"ours"), Layer(foreign, Digest.of(b"unpacked"), BytesBlob(b"elsewhere")))
    ref = registry.ref("foreign/iris:1")

    registries.push(made, ref)

    assert registries.pull(ref, AMD64).image.layers[1].descriptor == foreign


def test_referrers_are_listed_under_a_tag_where_the_registry_cannot(registry, registries):
    """``docker-registry`` 2.8 has no such interface: an index under ``sha256-…`` lists them, each once."""
    made, ref = random_image(13), registry.ref("referred/iris:1")
    subject = registries.push(made, ref)
    text = BytesBlob(b"all is well")
    statement = Artifact(
        "application/vnd.example.statement", ((Descriptor.of("text/plain", text.data), text),), {"by": "us"}
    )
    other = Artifact("application/vnd.example.other", ())

    first = registries.attach(ref, subject, statement)
    registries.attach(ref, subject, statement)
    registries.attach(ref, subject, other)

    assert registries.referrers(ref, subject.digest, "application/vnd.example.statement") == (first,)
    kinds = {each.artifact_type for each in registries.referrers(ref, subject.digest)}
    assert kinds == {"application/vnd.example.statement", "application/vnd.example.other"}
    assert registries.resolve(registry.ref(f"referred/iris:sha256-{subject.digest.hex}")) is not None


def test_an_unpushed_image_has_no_referrers(registry, registries):
    """Where nothing is listed, there is nothing."""
    assert registries.referrers(registry.ref("quiet/iris:1"), Digest.of(b"")) == ()


def test_a_digest_of_another_image_is_no_place_to_push_to(registry, registries):
    """A name with a digest promises its bytes."""
    ref = registry.ref(f"pinned/iris@{Digest.of(b'other')}")

    with pytest.raises(PushFailed, match="names another image"):
        registries.push(random_image(14), ref)


def test_a_registry_that_is_not_up_is_told_with_its_host(registries):
    """The error names it and says what to look at."""
    with pytest.raises(PushFailed, match=r"localhost:1 .*cannot be reached.*is the registry up"):
        registries.push(random_image(15), ImageRef.parse("localhost:1/iris:1"))
