"""The files of an image, by the headers of its layers: names and links; contents only of those asked for.

Layers are put on one another as ``layer.md`` says: a later entry replaces an earlier one, ``.wh.<name>``
removes what lower layers have under a name, ``.wh..wh..opq`` all that they have in a folder.
"""

import tarfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
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

    layer: int = field(default=0, compare=False)
    """Which of the image's layers has its contents, counted from the lowest."""

    entry: str = field(default="", compare=False)
    """The path in that layer under which they are; a hard link's are under another than its own."""

    content: bytes | None = field(default=None, compare=False, repr=False)
    """The contents, where they were kept while the headers were read."""


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
        left, done, links = list(segments_of(path)[::-1]), list[str](), 0
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
            left += segments_of(node.target)[::-1]
        found = self._at(done)
        return ("/" + "/".join(done), found) if found is not None else None

    def _at(self, segments: list[str]) -> Node | None:
        """Return what is at a path, without following links."""
        node: Node | None = self.root
        for segment in segments:
            node = node.children.get(segment) if isinstance(node, Folder) else None
        return node


def read_tree(image: Image, is_kept: Callable[[str], bool] = lambda _: False) -> Tree:
    """Return the files of *image*; all layers are read.

    Args:
        image: of any kind.
        is_kept: asked for each path in a layer whether its contents are wanted, too, which then need no
            second reading.

    Raises:
        DigestMismatch: a layer is damaged.
        InvalidImage: a layer is no archive.
    """
    tree = Tree(Folder())
    for number, layer in enumerate(image.layers):
        entries = [
            (segments_of(entry.name), _node(entry, number, archive if is_kept(entry.name) else None))
            for entry, archive in entries_of(layer)
        ]
        for segments, _ in entries:  # what a layer removes, it removes from lower ones only
            _remove(tree, segments)
        for segments, node in entries:
            _put(tree, segments, node)
    return tree


def read_files(image: Image, files: Mapping[str, File]) -> Iterator[tuple[str, bytes]]:
    """Yield the contents of *files*, each with its name there; layers are read for what was not kept.

    Raises:
        DigestMismatch: a layer is damaged.
        InvalidImage: a layer is no archive.
    """
    yield from ((name, file.content) for name, file in files.items() if file.content is not None)
    for number, layer in enumerate(image.layers):
        wanted: dict[str, list[str]] = defaultdict(list)
        for name, file in files.items():
            if file.layer == number and file.content is None:
                wanted[file.entry].append(name)
        for entry, archive in entries_of(layer) if wanted else ():
            names = wanted.get("/".join(segments_of(entry.name)))
            content = archive.extractfile(entry) if names and entry.isreg() else None
            if names and content:
                data = content.read()
                yield from ((name, data) for name in names)


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


def entries_of(layer: Layer) -> Iterator[tuple[tarfile.TarInfo, tarfile.TarFile]]:
    """Yield all entries of a layer but its root, each with the archive, which gives its contents now.

    Raises:
        DigestMismatch: the layer is damaged.
        InvalidImage: it is no archive.
    """
    chunks = uncompressed(layer)
    try:
        with tarfile.open(fileobj=ChunkReader(chunks), mode="r|") as archive:
            while (entry := archive.next()) is not None:
                archive.members.clear()  # type: ignore[attr-defined]  # it would keep them all
                if segments_of(entry.name):
                    yield entry, archive
    except tarfile.TarError as error:
        raise InvalidImage(f"the layer {layer.descriptor.digest} is no tar archive: {error}") from error
    for _ in chunks:
        pass  # reading to the end verifies it


def _node(entry: tarfile.TarInfo, layer: int, archive: tarfile.TarFile | None) -> Node:
    if entry.isdir():
        return Folder()
    if entry.issym():
        return Link(entry.linkname)
    name = entry.linkname if entry.islnk() else entry.name
    content = archive.extractfile(entry) if archive and entry.isreg() else None
    return File(
        is_executable=bool(entry.mode & 0o111),
        layer=layer,
        entry="/".join(segments_of(name)),
        content=content.read() if content else None,
    )


def segments_of(path: str) -> tuple[str, ...]:
    """Return the names that *path* is made of, from the root on."""
    return tuple(segment for segment in path.split("/") if segment not in {"", "."})
