"""A virtual environment as layers, made of wheels without installing them.

Each heavy wheel has a layer of its own, with the same bytes in every image that has this wheel, so that
registries and engines keep it once. The other wheels share a layer; what depends on the base image, which
is only where the interpreter is, has a small one of its own, and so does Lading's runtime.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module

from lading.digest import Digest
from lading.engines.oci.direct_url import direct_url
from lading.engines.oci.scheme import Scheme
from lading.engines.oci.segment import TRANSFORM
from lading.engines.oci.segments import LayerWheel, Segments
from lading.engines.oci.venv import skeleton
from lading.engines.oci.wheel_layer import LayerFacts, WheelLayer, measure
from lading.layer import EnvironmentLayer
from lading.oci import gzip, media_types
from lading.oci.blob import BytesBlob
from lading.oci.descriptor import Descriptor
from lading.oci.image import Layer
from lading.oci.tar import END
from lading.plan import RUNTIME
from lading.progress import Progress
from lading.store import Store

_HEAVY_BYTES = 1 << 20
"""A wheel of this size has a layer of its own."""

_LAYERS = "wheel-layers"
_CHECKED = "environments"
MAX_HEAVY = 20
"""Only the heaviest have, of each environment."""

LAYER_BUDGET = 60
"""Of an image: half of what engines mount, so that others can still build on it."""

_OTHERS = 10
"""Layers beside the base's and those of heavy wheels: of both environments, runtime, bytecode and model."""

_AT_ONCE = 2
"""Reading and hashing leave other threads alone, the many small steps between do not: more only wait."""


@dataclass(frozen=True, slots=True)
class EnvironmentLayers:
    """Makes layers of wheels; what was made before is only looked up."""

    store: Store
    progress: Progress

    def layers(self, layer: EnvironmentLayer, python: str, max_heavy: int = MAX_HEAVY) -> tuple[Layer, ...]:
        """Return the layers of an environment whose interpreter is *python* in the image.

        Heavy wheels come first, the heaviest lowest; Lading's own code comes last. Where conda packages are
        below the wheels, there is a Python among them, and *python* is not used.

        Raises:
            InvalidWheel: a wheel cannot be laid out, or two own one file with different contents.
            StoreError: the store cannot be read or written.
        """
        segments = Segments(self.store, Scheme(layer.target, layer.lock.python))
        wheels = _wheels(layer)
        heavy, rest, own = _groups(wheels, max_heavy)
        blobs = [WheelLayer(segments, group) for group in (*heavy, rest, own) if group]
        facts = self._facts(blobs, wheels, segments)
        made = [_described(blob, known) for blob, known in zip(blobs, facts, strict=True)]
        if layer.conda is not None:
            conda_layers = import_module("lading.engines.oci.conda").conda_layers
            return (*conda_layers(layer.conda, self.store, self.progress), *made)
        position = len(made) - bool(own)
        return (*made[:position], links_layer(segments.scheme, python), *made[position:])

    def _facts(
        self, blobs: Sequence[WheelLayer], wheels: Sequence[LayerWheel], segments: Segments
    ) -> tuple[LayerFacts, ...]:
        """Return the facts of *blobs*; those of layers that were never made before are measured, at once."""
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            facts = tuple(pool.map(self._fact, blobs))
        key = f"{TRANSFORM} {segments.scheme} {' '.join(wheel.key for wheel in wheels)}"
        if self.store.read_entry(_CHECKED, key) is None:
            found = [(wheel, segments.get(wheel).paths) for wheel in wheels]
            import_module("lading.engines.oci.conflicts").check(found, segments.scheme)
            self.store.write_entry(_CHECKED, key, b"")
        return facts

    def _fact(self, blob: WheelLayer) -> LayerFacts:
        key = f"{TRANSFORM} {blob.segments.scheme} {' '.join(wheel.key for wheel in blob.wheels)}"
        kept = self.store.read_entry(_LAYERS, key)
        if kept is not None:
            return LayerFacts.decode(kept)
        with self.progress.transfer(_title(blob), sum(wheel.size_bytes for wheel in blob.wheels)) as moved:
            digest, size_bytes = measure(_counted(blob.chunks(), moved))
            diff_id, tar_bytes = measure(blob.plain())
        facts = LayerFacts(digest, size_bytes, diff_id, tar_bytes)
        self.store.write_entry(_LAYERS, key, facts.encode())
        return facts


def _wheels(layer: EnvironmentLayer) -> tuple[LayerWheel, ...]:
    """Return the wheels of *layer*, sorted by name."""
    origins = {package.name: direct_url(package) for package in layer.lock.packages}
    return tuple(
        LayerWheel(
            wheel.name,
            wheel.version,
            wheel.path,
            wheel.digest,
            wheel.path.stat().st_size,
            origins.get(wheel.name),
        )
        for wheel in layer.pinned()
    )


_Group = tuple[LayerWheel, ...]


def heavy_room(base_layers: int) -> int:
    """Return how many wheels of an environment may have layers of their own on a base of so many layers."""
    return max(0, min(MAX_HEAVY, (LAYER_BUDGET - _OTHERS - base_layers) // 2))


def _groups(wheels: Sequence[LayerWheel], max_heavy: int) -> tuple[tuple[_Group, ...], _Group, _Group]:
    """Return the wheels that have layers of their own, those that share one, and Lading's runtime."""
    own = tuple(wheel for wheel in wheels if wheel.name == RUNTIME)
    others = [wheel for wheel in wheels if wheel.name != RUNTIME]
    heaviest = sorted(others, key=lambda wheel: (-wheel.size_bytes, wheel.name))[:max_heavy]
    heavy = [wheel for wheel in heaviest if wheel.size_bytes >= _HEAVY_BYTES]
    rest = tuple(wheel for wheel in others if wheel not in heavy)
    return tuple((wheel,) for wheel in heavy), rest, own


def _counted(chunks: Iterable[bytes], moved: Callable[[int], None]) -> Iterator[bytes]:
    for chunk in chunks:
        yield chunk
        moved(len(chunk))


def _title(blob: WheelLayer) -> str:
    return blob.wheels[0].name if len(blob.wheels) == 1 else f"{len(blob.wheels)} packages"


def _described(blob: WheelLayer, facts: LayerFacts) -> Layer:
    descriptor = Descriptor(media_types.TAR_GZIP, facts.digest, facts.size_bytes)
    names = ", ".join(f"{wheel.name} {wheel.version}" for wheel in blob.wheels)
    created_by = f"lading: {names} in {blob.segments.scheme.target}"
    return Layer(descriptor, facts.diff_id, blob, created_by, facts.tar_bytes)


def links_layer(scheme: Scheme, python: str) -> Layer:
    """Return the layer of what makes a folder an environment."""
    data = skeleton(scheme, python) + END
    packed = gzip.member(data)
    descriptor = Descriptor.of(media_types.TAR_GZIP, packed)
    created_by = f"lading: the virtual environment {scheme.target} of {python}"
    return Layer(descriptor, Digest.of(data), BytesBlob(packed), created_by)
