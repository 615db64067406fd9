"""Loading into an engine: only what it lacks, and all or nothing."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import pytest
from docker import DockerClient
from docker.errors import ImageNotFound
from lading.engines.find import find_engine
from lading.engines.oci.outputs.engine import EngineOutput
from lading.environment import Platform
from lading.errors import DigestMismatch, OutputFailed
from lading.oci.blob import BytesBlob
from lading.oci.image import Image, Index, Layer
from lading.progress import Silent
from lading.reference import ImageRef

from tests.builder.oci.sample import fresh, image


@dataclass
class Sent(Silent):
    """Remembers which layers were sent."""

    names: list[str] = field(default_factory=list)

    @contextmanager
    def transfer(self, name, total_bytes):
        """Remember one."""
        self.names.append(name)
        yield lambda _: None


def short(*layers: Layer) -> list[str]:
    """Return how progress calls layers."""
    return [layer.diff_id.hex[:12] for layer in layers]


@pytest.fixture(scope="module")
def docker() -> Iterator[DockerClient]:
    """The engine."""
    client = find_engine()
    yield client
    client.close()


@pytest.fixture
def name(docker) -> Iterator[ImageRef]:
    """A name of one's own; its images are gone afterwards."""
    ref = ImageRef.parse(f"lading-test/{uuid.uuid4().hex}:1")
    yield ref
    for each in docker.images.list(filters={"reference": f"{ref.repository}:*"}):
        docker.images.remove(each.id, force=True)


@pytest.fixture
def kept(docker) -> Iterator[list[Image]]:
    """Images that a test leaves without a name; they are removed."""
    images: list[Image] = []
    yield images
    for each in images:
        try:
            docker.images.remove(str(each.id), force=True)
        except ImageNotFound:
            continue


def load(docker: DockerClient, made: Image | Index, *names: ImageRef) -> list[str]:
    """Load an image; return which layers were sent."""
    progress = Sent()
    EngineOutput(docker, progress).write(made, names)
    return progress.names


@pytest.mark.container
def test_an_image_is_loaded_under_its_id(docker, name):
    """Compressed or not, with the size known or not: the id is that of the configuration."""
    unknown = replace(fresh(members=3), tar_bytes=None)
    made = image(fresh(), fresh(members=3), unknown, fresh())

    load(docker, made, name)

    assert docker.images.get(str(name)).id == str(made.id)
    built = EngineOutput(docker, Silent()).describe(made, (name,))
    assert (built.id, len(built.layers), built.names) == (made.id, 4, (name,))


@pytest.mark.container
def test_only_layers_that_the_engine_lacks_are_sent(docker, name, kept):
    """A changed model on known layers is one layer."""
    below = [fresh(), fresh(members=2)]
    first, second = (image(*below, fresh()) for _ in range(2))
    kept.append(first)

    sent = load(docker, first, name), load(docker, second, name), load(docker, second, name)

    assert sent == (short(*first.layers), short(second.layers[-1]), [])
    assert docker.images.get(str(name)).id == str(second.id)


@pytest.mark.container
def test_layers_of_any_image_are_known(docker, name, kept):
    """Also of one with another name; but only from the bottom on, as engines stack them."""
    base = [fresh(), fresh()]
    other = ImageRef.parse(f"{name.repository}:other")
    load(docker, image(*base, fresh(), fresh()), other)
    top = fresh()

    assert load(docker, image(*base, top), name) == short(top)
    kept.append(image(*base, top))
    turned = image(base[1], base[0])
    assert load(docker, turned, name) == short(*turned.layers)


@pytest.mark.container
def test_all_names_point_to_the_image(docker, name):
    """Whether it was loaded or there already."""
    made, other = image(fresh()), ImageRef.parse(f"{name.repository}:other")

    load(docker, made, name, other)
    load(docker, made, ImageRef.parse(f"{name.repository}:third"))

    tags = docker.images.get(str(made.id)).tags
    assert {tag.rpartition(":")[2] for tag in tags} == {"1", "other", "third"}


@pytest.mark.container
def test_a_damaged_layer_leaves_the_old_image(docker, name):
    """The name is moved when everything is there, not before."""
    old, good = image(fresh()), fresh()
    load(docker, old, name)
    damaged = Layer(good.descriptor, good.diff_id, BytesBlob(bytes(good.descriptor.size_bytes)))

    with pytest.raises(DigestMismatch):
        load(docker, image(fresh(), damaged), name)

    assert docker.images.get(str(name)).id == str(old.id)


@pytest.mark.container
def test_of_an_index_the_engines_platform_is_loaded(docker, name):
    """An engine of Docker's own store keeps one."""
    version = docker.version()
    mine, other = Platform(version["Os"], version["Arch"]), "arm64" if version["Arch"] == "amd64" else "amd64"
    layer = fresh()
    made = Index((image(fresh(), architecture=other), image(layer, architecture=mine.architecture)))

    assert load(docker, made, name) == short(layer)
    with pytest.raises(OutputFailed, match=f"runs {mine}, the image is for linux/{other}"):
        load(docker, Index(made.images[:1]), name)
