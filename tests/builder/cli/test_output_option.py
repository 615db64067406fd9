"""What `-o` says."""

from pathlib import Path

import pytest
from lading.cli.output_option import OutputOption, OutputType
from lading.errors import InvalidOption
from lading.reference import ImageRef


@pytest.mark.parametrize(
    ("text", "kind", "destination"),
    [
        ("type=oci,dest=out", OutputType.LAYOUT, "out"),
        ("dest=a/b.tar,type=oci-archive", OutputType.ARCHIVE, "a/b.tar"),
        ("type=registry", OutputType.REGISTRY, None),
        ("type=docker", OutputType.ENGINE, None),
        ("registry", OutputType.REGISTRY, None),
        ("docker", OutputType.ENGINE, None),
        ("out/", OutputType.LAYOUT, "out"),
        ("iris.tar", OutputType.ARCHIVE, "iris.tar"),
        ("dest=iris.tar", OutputType.ARCHIVE, "iris.tar"),
        ("dest=registry", OutputType.LAYOUT, "registry"),
        ("-", OutputType.ARCHIVE, "-"),
        ("a=b", OutputType.LAYOUT, "a=b"),
    ],
)
def test_every_form_names_a_place(text, kind, destination):
    """The long form is Buildx's; the short ones tell from what they look like."""
    assert OutputOption.parse(text) == OutputOption(kind, Path(destination) if destination else None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty"),
        ("type=tarball,dest=x", "unknown type"),
        ("type=oci", "has no dest"),
        ("type=oci,dest=", "has no dest"),
        ("dest=", "has no dest"),
        ("typ=oci,dest=x", "'typ'"),
        ("dst=x,type=oci", "'dst'"),
        ("type=registry,dest=x", "cannot have a dest"),
        ("type=oci,dest=x,tar=true", "'tar'"),
    ],
)
def test_what_names_no_place_is_refused(text, message):
    """The message says what is wrong, and the hint what can be written."""
    with pytest.raises(InvalidOption, match=message):
        OutputOption.parse(text)


def test_without_a_choice_the_image_is_a_file_named_after_it():
    """Its name has no folders and no registry."""
    name = ImageRef.parse("registry.example:5000/team/iris:v1")

    assert OutputOption.default(name) == OutputOption(OutputType.ARCHIVE, Path("iris-v1.tar"))
