"""The Content-Type header."""

import pytest
from lading_runtime.errors import UnsupportedMediaType
from lading_runtime.protocol.media_types import MediaType, read_media_type


@pytest.mark.parametrize(
    ("header", "media_type"),
    [
        (None, MediaType.JSON),
        ("", MediaType.JSON),
        ("application/json", MediaType.JSON),
        ("Application/JSON;", MediaType.JSON),
        ("application/json ; charset=UTF-8", MediaType.JSON),
        ('text/csv; Charset="utf8"', MediaType.CSV),
        ("application/vnd.apache.parquet", MediaType.PARQUET),
    ],
)
def test_spelling_does_not_matter(header, media_type):
    """Types and parameters compare without case; quotes and a trailing semicolon are harmless."""
    assert read_media_type(header) is media_type


@pytest.mark.parametrize(
    "header",
    [
        "text/plain",
        "application/json; charset=latin-1",
        "application/json; format=pandas-records",
        "json",
        ";",
    ],
)
def test_other_types_charsets_and_parameters_are_refused(header):
    """A type that MLflow's server does not read, another charset and other parameters are unsupported."""
    with pytest.raises(UnsupportedMediaType):
        read_media_type(header)
