"""Why cells do not fit a type; whoever knows the column's name says it to the client."""

from __future__ import annotations


class Unreadable(Exception):
    """A cell cannot be read as its type at all."""


class Unfit(Exception):
    """The cells can be read, but are not what the signature declares."""
