"""Interpreters of base images that were found before."""

from importlib import import_module

from lading.environment import PythonMinor
from lading.errors import InvalidImage
from lading.oci.image import Image, chain_ids
from lading.store import Store

_ENTRY = "base-interpreter"


def known_python(image: Image, python: PythonMinor, name: str, store: Store) -> str:
    """Return what `find_python` does; the second time without reading a layer.

    Raises:
        BuildFailed: the image has no such interpreter; says which it has.
        InvalidImage: a layer is damaged; says of which image.
        LadingError: a layer cannot be read.
    """
    key = python_key(image, python)
    kept = store.read_entry(_ENTRY, key)
    if kept is not None:
        return kept.decode()
    try:
        # what reads layers takes a while to import, and most builds know the interpreter
        finding = import_module("lading.engines.oci.bases.interpreter")
        found: str = finding.find_python(image, python, name)
    except InvalidImage as error:
        hint = error.hint or "copy or pull that image anew"
        raise InvalidImage(f"base image {name!r}: {error.message}", hint=hint) from error
    store.write_entry(_ENTRY, key, found.encode())
    return found


def python_key(image: Image, python: PythonMinor) -> str:
    """Return what the answer of `known_python` depends on."""
    top = chain_ids(image.config.diff_ids)[-1:]
    asked = (image.config.env.get(name, "") for name in ("PATH", "PYTHON_VERSION"))
    return " ".join(["1", *map(str, top), str(python), *asked])
