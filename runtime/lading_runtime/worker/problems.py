"""Why a payload does not reach the model; ``source`` tells the server whose error it is."""

from __future__ import annotations


class PayloadError(Exception):
    """A payload cannot become what the model takes; the message repeats none of its values."""

    source = "payload"


class SchemaError(PayloadError):
    """The data were read, and do not fit the model's signature."""

    source = "schema"


class FormatError(PayloadError):
    """Nothing in the model's environment reads this format."""

    source = "format"
