"""How much bytecode an image has."""

from enum import StrEnum


class Bytecode(StrEnum):
    """What is compiled beforehand."""

    OFF = "off"
    """Nothing: the image is smallest, and each start compiles what it imports."""

    IMPORTED = "imported"
    """What loading the model and a prediction import."""

    ALL = "all"
    """Every module but tests."""
