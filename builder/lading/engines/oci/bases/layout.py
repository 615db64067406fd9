"""Base images from OCI layouts: ``--base-image oci:FOLDER[:NAME]``."""

from dataclasses import dataclass

from lading.engines.oci.bases.base import Base
from lading.engines.oci.bases.known import known_python
from lading.engines.oci.bases.names import LAYOUT
from lading.engines.oci.bases.place import naming, split_place
from lading.environment import Platform, PythonMinor
from lading.oci.layout import Layout
from lading.store import Store


@dataclass(frozen=True, slots=True)
class LayoutBases:
    """Folders that skopeo, umoci, buildah or Lading wrote."""

    store: Store

    def find(self, name: str, platform: Platform, python: PythonMinor) -> Base:
        """Return the base image of ``oci:FOLDER[:NAME]``; the name is a tag, or a whole name.

        Raises:
            BuildFailed: there is none, it is for another platform, or it has not this Python.
            LadingError: the layout is damaged.
        """
        with naming(name):
            folder, wanted = split_place(name.removeprefix(LAYOUT))
            found = Layout(folder).find(wanted, platform)
        interpreter = known_python(found.image, python, name, self.store)
        return Base(name, found.image, interpreter, found.digest)
