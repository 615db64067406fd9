"""What the labels of an image may show."""

from pathlib import Path

import pytest
from lading.labels import public_base, public_uri
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
