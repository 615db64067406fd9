"""What is to be brought into the store."""

from dataclasses import dataclass

from lading.digest import Digest


@dataclass(frozen=True, slots=True)
class WheelFile:
    """A wheel or a source archive, and where it is."""

    name: str
    url: str
    digest: Digest
    size_bytes: int | None
