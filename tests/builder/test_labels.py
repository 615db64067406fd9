"""What the labels of an image may show."""

from pathlib import Path

import pytest
from lading.errors import BuildFailed
from lading.labels import BASE_NAME_LABEL, LOCK_LABEL, public_base, public_uri, require_no_model
from lading.reference import AliasedModel, LocalModel, RemoteModel


@pytest.mark.parametrize(
    ("ref", "uri"),
    [
        (RemoteModel("https://user:secret@host/m?token=secret#secret"), "https://host/m"),
        (RemoteModel("s3://bucket/m"), "s3://bucket/m"),
        (LocalModel(Path("/home/somebody/iris")), "file:iris"),
        (AliasedModel("iris", "champion"), "models:/iris@champion"),
    ],
)
def test_the_models_uri_tells_no_secrets(ref, uri):
    """Neither credentials nor folders of the builder's machine get into labels."""
    assert public_uri(ref) == uri


def test_a_base_in_a_file_is_named_without_its_folder():
    """Labels show nothing of this machine, and do not depend on where a file lies."""
    assert public_base("oci:/home/somebody/python") == "oci:python"
    assert public_base("oci-archive:../python.tar") == "oci-archive:python.tar"
    assert public_base("registry.example:5000/python:3.11") == "registry.example:5000/python:3.11"


def test_an_image_of_a_model_is_no_base():
    """The packages of both would lie in one folder; the error names the base that both can stand on."""
    require_no_model("python:3.11", {BASE_NAME_LABEL: "debian:bookworm"})

    with pytest.raises(BuildFailed, match=r"'iris:1' is one of a model.*stands on: debian:bookworm"):
        require_no_model("iris:1", {LOCK_LABEL: "x", BASE_NAME_LABEL: "debian:bookworm"})
