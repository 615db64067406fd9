"""What is wrong with a column, said without its name, which whoever knows it puts before."""

from __future__ import annotations


class Misfit(Exception):
    """Values are not what the signature declares, and cannot safely become it."""
