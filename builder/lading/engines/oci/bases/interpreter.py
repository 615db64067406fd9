"""Where an image has the Python that a model needs, without running anything.

An official Python image says so in its configuration. Of others the headers of all layers are read, which
takes about a second for 100 MB: whoever asks keeps the answer (`lading.engines.oci.bases.known`).
"""

import re
from collections.abc import Iterator

from lading.environment import PythonMinor
from lading.errors import BuildFailed
from lading.oci.config import Config
from lading.oci.image import Image
from lading.oci.tree import File, Folder, Tree, read_tree

_OFFICIAL = "/usr/local/bin"
_USUAL = (_OFFICIAL, "/usr/bin", "/bin", "/opt/conda/bin", "/opt/python/bin")
"""Where interpreters are; the image's own PATH goes first."""

_PROGRAM = re.compile(r"python(\d+\.\d+)")


def find_python(image: Image, python: PythonMinor, name: str = "") -> str:
    """Return the absolute path of the interpreter of *python* in *image*, which errors call *name*.

    Raises:
        BuildFailed: it has none; says which it has.
        LadingError: a layer cannot be read.
    """
    if _is_official(image.config, python):
        return f"{_OFFICIAL}/python{python}"
    found = dict(reversed(list(_interpreters(read_tree(image), _folders(image.config)))))
    if str(python) in found:
        return found[str(python)]
    others = ", ".join(sorted(found, key=_version)) or None
    subject = f"the base image {name!r}" if name else "the base image"
    raise BuildFailed(
        f"{subject} {f'has Python {others}' if others else 'has no Python'}, the model needs {python}",
        hint=f"use one with python{python}, such as --base-image python:{python}-slim-bookworm",
    )


def _is_official(config: Config, python: PythonMinor) -> bool:
    """Whether this is an image as ``docker-library/python`` makes them, with this Python."""
    version = config.env.get("PYTHON_VERSION", "")
    return _OFFICIAL in _folders(config)[: -len(_USUAL)] and version.startswith(f"{python}.")


def _folders(config: Config) -> tuple[str, ...]:
    path = config.env.get("PATH", "").split(":")
    return (*(folder for folder in path if folder.startswith("/")), *_USUAL)


def _interpreters(tree: Tree, folders: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yield minor version and path of each interpreter, the ones that a shell would find first."""
    for name in folders:
        found = tree.find(name)
        if found is None or not isinstance(found[1], Folder):
            continue
        for program in sorted(found[1].children):
            match = _PROGRAM.fullmatch(program)
            target = tree.find(f"{name}/{program}") if match else None
            if match and target and isinstance(target[1], File) and target[1].is_executable:
                yield match[1], f"{name.rstrip('/')}/{program}"


def _version(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(".")))
