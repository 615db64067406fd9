"""What commands print on stdout."""

import json

from lading.cli.output_option import OutputOption
from lading.cli.results import image_json, image_line, show_image
from lading.digest import Digest
from lading.image import BuiltImage
from lading.layer import BuiltLayer
from lading.reference import ImageRef

ID, PUSHED = Digest.of(b"id"), Digest.of(b"manifest")


def image(digest: Digest | None) -> BuiltImage:
    """A finished image."""
    names = tuple(map(ImageRef.parse, ("iris", "registry.example:5000/iris:2")))
    layers = (BuiltLayer(Digest.of(b"layer"), 10, "COPY x"),)
    return BuiltImage(names, ID, digest, 10, layers, {"lock": 1.23456})


def test_an_image_is_a_name_and_a_digest():
    """A pushed image is reported with its digest, any other with its id behind the name."""
    assert image_line(image(PUSHED)) == f"iris:latest@{PUSHED}"
    assert image_line(image(None)) == f"iris:latest {ID}"


def test_an_image_as_json_has_everything():
    """Names, ids, sizes, layers and seconds per step are there for scripts."""
    assert json.loads(image_json(image(None))) == {
        "name": "iris:latest",
        "names": ["iris:latest", "registry.example:5000/iris:2"],
        "id": str(ID),
        "digest": None,
        "size_bytes": 10,
        "layers": [{"digest": str(Digest.of(b"layer")), "size_bytes": 10, "created_by": "COPY x"}],
        "seconds": {"lock": 1.235},
    }


def test_an_archive_on_standard_output_is_nothing_but_the_archive(capsys):
    """Where the image itself is on stdout, what became of it is told on stderr."""
    show_image(image(PUSHED), [OutputOption.parse("iris.tar")], as_json=False)
    assert capsys.readouterr() == (f"iris:latest@{PUSHED}\n", "")

    show_image(image(PUSHED), [OutputOption.parse("iris.tar"), OutputOption.parse("-")], as_json=False)
    assert capsys.readouterr() == ("", f"iris:latest@{PUSHED}\n")
