"""The files of an image, by the headers of its layers: names and links, no contents.

Layers are put on one another as ``layer.md`` says: a later entry replaces an earlier one, ``.wh.<name>``
removes what lower layers have under a name, ``.wh..wh..opq`` all that they have in a folder.
"""

import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from lading.errors import InvalidImage
from lading.oci.chunks import ChunkReader
from lading.oci.decompress import uncompressed
from lading.oci.image import Image, Layer

_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"
_MAX_LINKS = 40
"""That a path may go through, as Linux has it (``man path_resolution``)."""


@dataclass(frozen=True, slots=True)
class File:
    """Anything that is neither folder nor link."""

    is_executable: bool


@dataclass(frozen=True, slots=True)
class Link:
    """A symbolic link."""

    target: str


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder; filled while layers are read."""

    children: "dict[str, File | Link | Folder]" = field(default_factory=dict)


Node = File | Link | Folder


@dataclass(frozen=True, slots=True)
class Tree:
    """The root folder of an image."""

    root: Folder

    def find(self, path: str) -> tuple[str, Node] | None:
        """Return where *path* leads, through links, and what is there; None where that is nothing."""
        left, done, links = list(_segments(path)[::-1]), list[str](), 0
        while left:
            segment = left.pop()
            if segment == "..":
                done = done[:-1]
                continue
            node = self._at([*done, segment])
            if node is None:
                return None
            if not isinstance(node, Link):
                done.append(segment)
                continue
            links += 1
            if links > _MAX_LINKS:
                return None
            done = [] if node.target.startswith("/") else done
            left += _segments(node.target)[::-1]
        found = self._at(done)
        return ("/" + "/".join(done), found) if found is not None else None

    def _at(self, segments: list[str]) -> Node | None:
        """Return what is at a path, without following links."""
        node: Node | None = self.root
        for segment in segments:
            node = node.children.get(segment) if isinstance(node, Folder) else None
        return node


def read_tree(image: Image) -> Tree:
    """Return the files of *image*; all layers are read.

    Raises:
        DigestMismatch: a layer is damaged.
        InvalidImage: a layer is no archive.
    """
    tree = Tree(Folder())
    for layer in image.layers:
        entries = list(_entries(layer))
        for segments, _ in entries:  # what a layer removes, it removes from lower ones only
            _remove(tree, segments)
        for segments, node in entries:
            _put(tree, segments, node)
    return tree


def _remove(tree: Tree, segments: Sequence[str]) -> None:
    name = segments[-1]
    if not name.startswith(_WHITEOUT):
        return
    folder = _folder(tree, segments[:-1])
    if name == _OPAQUE:
        folder.children.clear()
    else:
        folder.children.pop(name.removeprefix(_WHITEOUT), None)


def _put(tree: Tree, segments: Sequence[str], node: Node) -> None:
    name = segments[-1]
    if name.startswith(_WHITEOUT):
        return
    children = _folder(tree, segments[:-1]).children
    if not (isinstance(node, Folder) and isinstance(children.get(name), Folder)):
        children[name] = node


def _folder(tree: Tree, segments: Sequence[str]) -> Folder:
    """Return the folder of a path, made where it is missing.

    Archives that were not made by comparing file systems may write through links of lower layers
    (``bin/x`` where ``bin`` is a link to ``usr/bin``); engines that unpack follow those as well.
    """
    folder = tree.root
    for end, segment in enumerate(segments, 1):
        child = folder.children.get(segment)
        if isinstance(child, Link):
            found = tree.find("/".join(segments[:end]))
            child = found[1] if found else None
        if not isinstance(child, Folder):
            child = folder.children[segment] = Folder()
        folder = child
    return folder


def _entries(layer: Layer) -> Iterator[tuple[tuple[str, ...], Node]]:
    """Yield path and kind of all in a layer but its root."""
    chunks = uncompressed(layer)
    try:
        with tarfile.open(fileobj=ChunkReader(chunks), mode="r|") as archive:
            while (entry := archive.next()) is not None:
                archive.members.clear()  # type: ignore[attr-defined]  # it would keep them all
                if segments := _segments(entry.name):
                    yield segments, _node(entry)
    except tarfile.TarError as error:
        raise InvalidImage(f"the layer {layer.descriptor.digest} is no tar archive: {error}") from error
    for _ in chunks:
        pass  # reading to the end verifies it


def _node(entry: tarfile.TarInfo) -> Node:
    if entry.isdir():
        return Folder()
    if entry.issym():
        return Link(entry.linkname)
    return File(is_executable=bool(entry.mode & 0o111))


def _segments(path: str) -> tuple[str, ...]:
    return tuple(segment for segment in path.split("/") if segment not in {"", "."})
