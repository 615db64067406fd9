"""Where an image has its Python, found without running it."""

import io
import tarfile
from collections.abc import Iterator

import pytest
from lading.digest import Digest
from lading.engines.oci.bases.interpreter import find_python
from lading.engines.oci.bases.known import known_python, python_key
from lading.environment import PythonMinor
from lading.errors import BuildFailed, InvalidImage
from lading.oci import media_types
from lading.oci.blob import Blob, BytesBlob
from lading.oci.config import Config
from lading.oci.descriptor import Descriptor
from lading.oci.image import Image, Layer

PYTHON = PythonMinor(3, 11)


class Unreadable:
    """A layer that must not be read: it would be downloaded for that."""

    def chunks(self, start_bytes: int = 0) -> Iterator[bytes]:
        """Fail."""
        raise AssertionError("the layer was read")


def layer(*names: str, mode: int = 0o755, blob: Blob | None = None) -> Layer:
    """Return a layer of programs, and of links ``path -> target``."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        for name in names:
            path, _, target = name.partition(" -> ")
            info = tarfile.TarInfo(path)
            info.mode, info.linkname = mode, target
            info.type = tarfile.SYMTYPE if target else tarfile.REGTYPE
            archive.addfile(info)
    content = data.getvalue()
    descriptor = Descriptor.of(media_types.TAR, content)
    return Layer(descriptor, Digest.of(content), blob or BytesBlob(content))


def image(*layers: Layer, env: tuple[str, ...] = ()) -> Image:
    """Return an image of layers."""
    empty = {"os": "linux", "architecture": "amd64", "rootfs": {"diff_ids": []}, "config": {"Env": [*env]}}
    return Image(Config(empty), ()).with_layers(layers)


def test_an_official_image_says_it_itself():
    """No layer is read: that of a registry need not even be downloaded."""
    official = image(
        layer("x", blob=Unreadable()),
        env=("PATH=/usr/local/bin:/usr/local/sbin:/usr/bin", "PYTHON_VERSION=3.11.9"),
    )

    assert find_python(official, PYTHON) == "/usr/local/bin/python3.11"


@pytest.mark.parametrize(
    ("names", "path"),
    [
        (("usr/bin/python3.11",), "/usr/bin/python3.11"),
        (("usr/bin/python3.11", "bin -> usr/bin"), "/usr/bin/python3.11"),
        (("bin -> usr/bin", "usr/bin/python3.11 -> ../../opt/py/p", "opt/py/p"), "/usr/bin/python3.11"),
        (("opt/conda/bin/python3.11", "opt/conda/bin/python3.12"), "/opt/conda/bin/python3.11"),
        (("usr/local/bin/python3.11", "usr/bin/python3.11"), "/usr/local/bin/python3.11"),
    ],
)
def test_other_images_are_looked_through(names, path):
    """In the usual folders, through links."""
    assert find_python(image(layer(*names)), PYTHON) == path


def test_the_path_of_the_image_goes_first():
    """As a shell in it would find the interpreter."""
    made = image(layer("usr/bin/python3.11", "srv/py/bin/python3.11"), env=("PATH=/srv/py/bin:/usr/bin",))

    assert find_python(made, PYTHON) == "/srv/py/bin/python3.11"


def test_an_upper_layer_may_have_removed_it():
    """What a whiteout hides is not there."""
    made = image(layer("usr/bin/python3.11", "usr/bin/python3.9"), layer("usr/bin/.wh.python3.11"))

    with pytest.raises(BuildFailed, match=r"has Python 3\.9, the model needs 3\.11"):
        find_python(made, PYTHON)


@pytest.mark.parametrize(
    ("made", "found"),
    [
        (image(layer("usr/bin/python3.9", "opt/conda/bin/python3.12")), r"has Python 3\.9, 3\.12"),
        (image(layer("usr/bin/perl")), "has no Python"),
        (image(), "has no Python"),
        (image(layer("usr/bin/python3.11", mode=0o644)), "has no Python"),
        (image(layer("usr/bin/python3.11 -> missing")), "has no Python"),
        (image(layer("usr/bin/python3.11/x")), "has no Python"),
    ],
)
def test_an_image_without_it_is_refused(made, found):
    """The error says which Pythons are there, of which image, and what to do."""
    with pytest.raises(BuildFailed, match=f"the base image 'b' {found}, the model needs 3.11.*--base-image"):
        find_python(made, PYTHON, "b")


def test_an_answer_is_kept(store):
    """The layers are read once, however often the image is used."""
    program = layer("usr/bin/python3.11")
    assert known_python(image(program), PYTHON, "b", store) == "/usr/bin/python3.11"

    again = image(Layer(program.descriptor, program.diff_id, Unreadable()))

    assert known_python(again, PYTHON, "b", store) == "/usr/bin/python3.11"


def test_a_damaged_layer_is_told_with_its_image(store):
    """Nothing is kept; the error says which layer of which image, and what to do."""
    descriptor = Descriptor.of(media_types.TAR_GZIP, b"damaged")
    damaged = Layer(descriptor, Digest.of(b""), BytesBlob(b"damaged"))

    with pytest.raises(
        InvalidImage, match=f"^base image 'b': the layer {descriptor.digest} .*; copy or pull"
    ):
        known_python(image(damaged), PYTHON, "b", store)


def test_an_answer_is_kept_for_what_it_depends_on():
    """Other layers, another PATH or another Python are another question."""
    made = layer("usr/bin/python3.11")
    keys = {
        python_key(image(made), PYTHON),
        python_key(image(made), PythonMinor(3, 12)),
        python_key(image(made, made), PYTHON),
        python_key(image(made, env=("PATH=/x",)), PYTHON),
        python_key(image(made, env=("PYTHON_VERSION=3.11.1",)), PYTHON),
    }

    assert len(keys) == 5
