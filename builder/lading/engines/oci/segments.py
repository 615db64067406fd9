"""Segments, each made once for all images."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from lading.digest import Digest
from lading.engines.oci.scheme import Scheme
from lading.engines.oci.segment import TRANSFORM, Segment, make_segment
from lading.store import Store

if TYPE_CHECKING:
    from lading.engines.oci.placing import PlacedFile

_KIND = "segments"


@dataclass(frozen=True, slots=True)
class LayerWheel:
    """A wheel in a layer, and how its package came here."""

    name: str
    """Of the package, normalised."""

    version: str
    path: Path
    digest: Digest
    size_bytes: int

    direct_url: bytes | None = None
    """What ``direct_url.json`` says, for a package that came from no index."""

    @property
    def key(self) -> str:
        """What its files depend on."""
        origin = "" if self.direct_url is None else f" {Digest.of(self.direct_url)}"
        return f"{self.digest}{origin}"


@dataclass(frozen=True, slots=True)
class Segments:
    """Gives the segments of wheels in one environment; those that the store lacks are made."""

    store: Store
    scheme: Scheme

    def get(self, wheel: LayerWheel, omitted: frozenset[str] = frozenset()) -> Segment:
        """Return the segment of *wheel* without the paths that are *omitted*.

        Raises:
            InvalidWheel: it cannot be placed.
            StoreError: the store cannot be read or written.
        """
        names = " ".join(sorted(omitted))
        key = f"{TRANSFORM} {wheel.key} {self.scheme.target} {self.scheme.minor} {names}"
        kept = self.store.read_entry(_KIND, key)
        if kept is not None:
            return Segment.decode(kept)
        # what knows wheels takes a while to import, and most builds have all segments
        place = import_module("lading.engines.oci.placing").place
        placed: tuple[PlacedFile, ...] = place(wheel.path, self.scheme, wheel.direct_url)
        files = tuple(file for file in placed if file.path not in omitted)
        segment = make_segment(wheel.path, files, self.scheme.target)
        self.store.write_entry(_KIND, key, segment.encode())
        return segment

    def of(self, wheels: tuple[LayerWheel, ...]) -> Iterator[tuple[LayerWheel, Segment]]:
        """Give the segments of *wheels*, in which no path is twice: the first one has it."""
        seen: set[str] = set()
        for wheel in wheels:
            segment = self.get(wheel)
            twice = seen.intersection(segment.paths)
            seen.update(segment.paths)
            yield wheel, self.get(wheel, frozenset(twice)) if twice else segment
