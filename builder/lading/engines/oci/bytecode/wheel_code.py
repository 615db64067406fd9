"""What is known of the modules of one wheel, kept for every other image that has the wheel.

Two entries of the store for each wheel: the graph, a line of JSON with what each module imports, and the
code, a gzip member for each compiled module. Both grow when another model needs more of a wheel. Two builds
that add at once lose nothing but time: each keeps a complete entry, and the last one wins.
"""

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from lading.engines.oci.bytecode.compiler import Compiled
from lading.engines.oci.bytecode.graph import Node, module_of, node_of
from lading.engines.oci.bytecode.transform import TRANSFORM
from lading.engines.oci.placing import place
from lading.engines.oci.scheme import Scheme
from lading.engines.oci.wheel import Span
from lading.layer import PinnedWheel
from lading.oci.compress import COMPRESSOR, compressed
from lading.oci.tar import TarEntry, padding
from lading.store import Store

_GRAPHS = "bytecode-graphs"
_CODE = "bytecode"
_ROW = struct.Struct("<II")


@dataclass(frozen=True, slots=True)
class Source:
    """A module in a wheel."""

    path: str
    """Below the environment."""

    span: Span
    is_package: bool


@dataclass(frozen=True, slots=True)
class WheelCode:
    """The modules of a wheel in one environment."""

    wheel: PinnedWheel
    sources: Mapping[str, Source]
    """By module."""

    nodes: dict[str, Node]
    """Of the modules that were compiled; those that could not be are among them, too."""

    made: dict[str, bytes] = field(default_factory=dict)
    """Gzip members that are not in the store yet."""

    def add(self, module: str, compiled: Compiled, entry: bytes | None) -> None:
        """Take what became of *module*.

        Args:
            module: its name.
            compiled: what the interpreter made of it.
            entry: its piece of a layer, compressed; None for one that is no Python.
        """
        is_package = self.sources[module].is_package
        node = node_of(module, is_package=is_package, compiled=compiled, siblings=self.sources.keys())
        if entry is not None:
            self.made[module] = entry
        self.nodes[module] = node

    def encode_graph(self) -> bytes:
        """Return sources and nodes as bytes, to be kept."""
        rows = {
            module: [source.path, source.is_package, *_numbers(source.span), self._row(module)]
            for module, source in sorted(self.sources.items())
        }
        return json.dumps(rows, separators=(",", ":")).encode()

    def _row(self, module: str) -> list[object] | None:
        node = self.nodes.get(module)
        return None if node is None else [node.wanted, node.offered, node.is_compiled]

    @classmethod
    def decode_graph(cls, wheel: PinnedWheel, data: bytes) -> Self:
        """Return what `encode_graph` made bytes of."""
        sources, nodes = {}, {}
        for module, (path, is_package, *span, node) in json.loads(data).items():
            sources[module] = Source(path, Span(*span), is_package)
            if node is not None:
                wanted, offered, is_compiled = node
                nodes[module] = Node(tuple(wanted), tuple(offered), is_compiled)
        return cls(wheel, sources, nodes)

    @classmethod
    def read(cls, wheel: PinnedWheel, scheme: Scheme) -> Self:
        """Return the modules of *wheel*, none of them compiled.

        Raises:
            InvalidWheel: it cannot be placed.
        """
        prefix, sources = f"{scheme.packages}/", {}
        for placed in place(wheel.path, scheme):
            found = module_of(placed.path.removeprefix(prefix)) if placed.path.startswith(prefix) else None
            if found is not None and isinstance(placed.content, Span):
                module, is_package = found
                # Where a.py and a/__init__.py are both there, Python takes the package.
                if is_package or module not in sources:
                    sources[module] = Source(placed.path, placed.content, is_package)
        return cls(wheel, sources, {})


def _numbers(span: Span) -> list[int]:
    return [span.offset_bytes, span.packed_bytes, span.size_bytes, span.crc32, span.is_deflated]


@dataclass(frozen=True, slots=True)
class KeptCode:
    """The store's side of it."""

    store: Store
    scheme: Scheme

    compiler: str
    """The version of the interpreter, which has a say in the bytes."""

    def find(self, wheel: PinnedWheel) -> WheelCode:
        """Return what is known of *wheel*.

        Raises:
            InvalidWheel: it cannot be placed.
        """
        kept = self.store.read_entry(_GRAPHS, self._key(wheel))
        return WheelCode.decode_graph(wheel, kept) if kept is not None else WheelCode.read(wheel, self.scheme)

    def members(self, code: WheelCode) -> dict[str, bytes]:
        """Return the gzip members of the compiled modules of a wheel."""
        kept = self.store.read_entry(_CODE, self._key(code.wheel))
        return (_unpacked(kept) if kept is not None else {}) | code.made

    def keep(self, code: WheelCode) -> None:
        """Keep what was added; the code first, so that no graph tells of code that is not there."""
        key = self._key(code.wheel)
        self.store.write_entry(_CODE, key, _packed(self.members(code)))
        self.store.write_entry(_GRAPHS, key, code.encode_graph())
        code.made.clear()

    def _key(self, wheel: PinnedWheel) -> str:
        return f"{TRANSFORM} {COMPRESSOR} {wheel.digest} {self.scheme.target} {self.compiler}"


def layer_entry(path: str, pyc: bytes) -> bytes:
    """Return a file as a compressed piece of a layer: gzip members of tar header, contents and padding."""
    return b"".join(
        compressed([TarEntry(path.lstrip("/"), size_bytes=len(pyc)).header(), pyc, padding(len(pyc))])
    )


def _packed(members: Mapping[str, bytes]) -> bytes:
    rows = b"".join(
        _ROW.pack(len(name.encode()), len(members[name])) + name.encode() for name in sorted(members)
    )
    return _ROW.pack(len(rows), len(members)) + rows + b"".join(members[name] for name in sorted(members))


def _unpacked(data: bytes) -> dict[str, bytes]:
    rows_bytes, count = _ROW.unpack_from(data)
    row, position, found = _ROW.size, _ROW.size + rows_bytes, {}
    for _ in range(count):
        name_bytes, size_bytes = _ROW.unpack_from(data, row)
        row += _ROW.size + name_bytes
        found[data[row - name_bytes : row].decode()] = data[position : position + size_bytes]
        position += size_bytes
    return found
