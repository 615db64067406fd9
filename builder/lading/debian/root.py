"""A root file system that exists only on paper: what each path is, and where its bytes are."""

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from lading.digest import Digest
from lading.errors import ArchiveError
from lading.oci.blob import Blob, BytesBlob, FilePart
from lading.oci.tar import Kind

_MERGED = {"bin", "sbin", "lib", "lib32", "lib64", "libx32"}
"""Folders that are links into ``usr`` since Debian 12; packages may still ship files in them."""


@dataclass(frozen=True, slots=True)
class Node:
    """What is at one path. Two are equal when they are the same to who reads the file system."""

    kind: Kind
    mode: int
    target: str = ""
    """Of a link."""

    size_bytes: int = 0
    digest: Digest | None = None
    """Of a file's contents."""

    blob: Blob = field(default=BytesBlob(b""), compare=False)
    user_id: int = 0
    group_id: int = 0

    @property
    def data(self) -> bytes:
        """The contents of a file."""
        return b"".join(self.blob.chunks())


def folder(mode: int = 0o755, user_id: int = 0, group_id: int = 0) -> Node:
    """Return a folder."""
    return Node(Kind.FOLDER, mode, user_id=user_id, group_id=group_id)


def link(target: str) -> Node:
    """Return a symbolic link."""
    return Node(Kind.LINK, 0o777, target)


def file(data: bytes, mode: int = 0o644) -> Node:
    """Return a file of bytes that are at hand."""
    return Node(Kind.FILE, mode, size_bytes=len(data), digest=Digest.of(data), blob=BytesBlob(data))


def file_part(path: Path, offset_bytes: int, size_bytes: int, digest: Digest, mode: int) -> Node:
    """Return a file whose bytes are a stretch of the file *path*."""
    part = FilePart(path, offset_bytes, size_bytes)
    return Node(Kind.FILE, mode, size_bytes=size_bytes, digest=digest, blob=part)


@dataclass(slots=True)
class Root:
    """A root file system; paths are relative to it, and never lead through a link."""

    nodes: dict[str, Node] = field(default_factory=dict)

    def add(self, path: str, node: Node) -> None:
        """Put *node* at *path*; folders above it appear, and folders that are there stay as they are.

        Raises:
            ArchiveError: something else is there.
        """
        parent = posixpath.dirname(path)
        if parent and self.nodes.get(parent, folder()).kind is not Kind.FOLDER:
            raise ArchiveError(f"/{parent} of a Debian base is no folder, but has something in it")
        if parent and parent not in self.nodes:
            self.add(parent, folder())
        old = self.nodes.get(path)
        if old is not None and old != node and not (old.kind is node.kind is Kind.FOLDER):
            raise ArchiveError(f"two packages of a Debian base have different files at /{path}")
        self.nodes.setdefault(path, node)

    def put(self, path: str, node: Node) -> None:
        """Put *node* at *path*, in place of what is there."""
        self.nodes.pop(path, None)
        self.add(path, node)

    def find(self, path: str) -> Node | None:
        """Return what is at *path*, after links."""
        for _ in range(40):  # as many as Linux follows
            node = self.nodes.get(merged(path))
            if node is None or node.kind is not Kind.LINK:
                return node
            path = merged(resolved(path, node.target))
        return None

    def below(self, path: str) -> Iterator[tuple[str, Node]]:
        """Yield names and nodes in the folder *path*, sorted."""
        for each in sorted(self.nodes):
            if posixpath.dirname(each) == path:
                yield posixpath.basename(each), self.nodes[each]

    def sorted(self) -> list[tuple[str, Node]]:
        """Return all, parents before children and each folder's contents together."""
        return sorted(self.nodes.items(), key=lambda item: item[0].encode().split(b"/"))

    def beside(self, lower: Mapping[str, Node]) -> "Root":
        """Return what must be put over *lower* to get this, with the folders above it."""
        upper = {path: node for path, node in self.nodes.items() if lower.get(path) != node}
        for path in tuple(upper):
            upper |= {parent: self.nodes[parent] for parent in _parents(path)}
        return Root(upper)


def resolved(path: str, target: str) -> str:
    """Return the path that a link at *path* leads to."""
    return posixpath.normpath(posixpath.join("/", posixpath.dirname(path), target)).lstrip("/")


def merged(path: str) -> str:
    """Return *path* in a system where ``/bin``, ``/lib`` and so on are in ``/usr``."""
    first, slash, _ = path.partition("/")
    return f"usr/{path}" if slash and first in _MERGED else path


def moved(path: str, node: Node) -> tuple[str, Node]:
    """Return where *node* is in such a system; relative links that climb still lead where they led."""
    new = merged(path)
    if node.kind is not Kind.LINK or new == path or not node.target.startswith("../"):
        return new, node
    target = merged(resolved(path, node.target))
    return new, replace(node, target=posixpath.relpath(f"/{target}", f"/{posixpath.dirname(new)}"))


def _parents(path: str) -> Iterator[str]:
    while path := posixpath.dirname(path):
        yield path
