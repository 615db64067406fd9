"""The Content-Type header: which of the formats a body is in."""

from __future__ import annotations

import enum
from functools import lru_cache

from lading_runtime.errors import UnsupportedMediaType


class MediaType(enum.Enum):
    """The formats of a request that we read."""

    JSON = "application/json"
    CSV = "text/csv"
    PARQUET = "application/vnd.apache.parquet"
    ARROW_STREAM = "application/vnd.apache.arrow.stream"
    ARROW_FILE = "application/vnd.apache.arrow.file"


UTF_8 = ("utf-8", "utf8")


@lru_cache(maxsize=16)
def read_media_type(header: str | None) -> MediaType:
    """Return what a Content-Type header names; JSON where there is none.

    Types and parameter names compare without case, and a parameter's value may stand in quotes
    (RFC 9110, section 8.3.1); MLflow is stricter.

    Raises:
        UnsupportedMediaType: another type, another charset, or another parameter.
    """
    name, *parameters = [part.strip() for part in (header or MediaType.JSON.value).split(";")]
    for parameter in filter(None, parameters):
        _check_parameter(parameter)
    try:
        return MediaType(name.lower())
    except ValueError:
        supported = ", ".join(media_type.value for media_type in MediaType)
        raise UnsupportedMediaType(f"this model takes {supported}, not {name!a}") from None


def _check_parameter(parameter: str) -> None:
    name, _, value = (part.strip().lower() for part in parameter.partition("="))
    if name != "charset":
        raise UnsupportedMediaType(
            f"unrecognized content type parameter {name!a}; the scoring protocol of MLflow 1 is not supported"
        )
    if value.strip('"') not in UTF_8:
        raise UnsupportedMediaType("the scoring server only supports UTF-8")
