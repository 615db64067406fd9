"""Interpreters of base images that were found before."""

from lading.engines.oci.bases.interpreter import find_python, python_key
from lading.environment import PythonMinor
from lading.oci.image import Image
from lading.store import Store

_ENTRY = "base-interpreter"


def known_python(image: Image, python: PythonMinor, name: str, store: Store) -> str:
    """Return what `find_python` does; the second time without reading a layer.

    Raises:
        BuildFailed: the image has no such interpreter; says which it has.
        LadingError: a layer cannot be read.
    """
    key = python_key(image, python)
    kept = store.read_entry(_ENTRY, key)
    if kept is not None:
        return kept.decode()
    found = find_python(image, python, name)
    store.write_entry(_ENTRY, key, found.encode())
    return found
