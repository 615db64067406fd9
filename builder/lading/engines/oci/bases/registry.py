"""Base images from registries: ``--base-image python:3.11-slim``.

Manifest and configuration, some 10 KB, are kept in the store by digest, so a base that is named by its digest
needs no registry the second time; a layer is kept when an output has read it.
"""

from dataclasses import dataclass

from lading.digest import Digest
from lading.engines.oci.bases.base import Base
from lading.engines.oci.bases.known import known_python
from lading.engines.oci.bases.place import naming
from lading.environment import Platform, PythonMinor
from lading.errors import BuildFailed, InvalidImage, RegistryError
from lading.oci import document
from lading.oci.blob import Blob
from lading.oci.descriptor import Descriptor
from lading.oci.registry.pull import read_image
from lading.oci.registry.registries import Registries, RegistrySource
from lading.oci.registry.repository import Manifest
from lading.reference import ImageRef
from lading.store import Store

_ENTRY = "base-tag"


@dataclass(frozen=True, slots=True)
class RegistryBases:
    """Images in any registry."""

    registries: Registries
    store: Store

    is_offline: bool = False
    """Whether a tag stands for what it was the last time, as nobody can be asked."""

    def find(self, name: str, platform: Platform, python: PythonMinor) -> Base:
        """Return the base image of a reference.

        Raises:
            BuildFailed: there is none, it is for another platform, or it has not this Python.
            LadingError: the registry cannot be asked, or gives other bytes than promised.
        """
        ref = ImageRef.parse(name)
        source = self.registries.source(ref, self.store)
        kept = KeptSource(source.offline() if self.is_offline else source, self.store, self.is_offline)
        try:
            pulled = read_image(kept, str(ref), ref.digest or ref.tag, platform)
        except InvalidImage as error:
            raise BuildFailed(f"the base image {error.message}", hint=error.hint) from error
        except RegistryError as error:
            raise RegistryError(f"base image {name!r}: {error.message}", hint=_ways_out(error)) from error
        with naming(name):
            interpreter = known_python(pulled.image, python, name, self.store)
        return Base(name, pulled.image, interpreter, pulled.digest)


def _ways_out(error: RegistryError) -> str:
    """Return what to do about *error*, and which bases need no registry."""
    first = f"{error.hint}; or " if error.hint else ""
    return f"{first}take a base that needs no registry: --base-image debian:bookworm, …+uv or …+host"


@dataclass(frozen=True, slots=True)
class KeptSource:
    """The parts of images in a registry, asked for only where the store has them not."""

    source: RegistrySource
    store: Store
    is_offline: bool

    def manifest(self, reference: Digest | str) -> Manifest | None:
        """Return a manifest; that of a tag is asked for by its digest, which may be known already."""
        digest = reference if isinstance(reference, Digest) else self._digest(reference)
        if digest is None:
            return None
        kept = self.store.find(digest)
        if kept is not None:
            return _manifest(kept.read_bytes())
        manifest = self.source.manifest(digest)
        if manifest is not None:
            self.store.add([manifest.data], digest)
        return manifest

    def small_blob(self, descriptor: Descriptor) -> bytes:
        """Return a configuration."""
        kept = self.store.find(descriptor.digest)
        if kept is not None:
            return kept.read_bytes()
        data = self.source.small_blob(descriptor)
        self.store.add([data], descriptor.digest)
        return data

    def blob(self, descriptor: Descriptor) -> Blob:
        """Return a layer's bytes, kept when they are read."""
        return self.source.blob(descriptor)

    def _digest(self, tag: str) -> Digest | None:
        key = f"{self.source.repository}:{tag}"
        if self.is_offline:
            kept = self.store.read_entry(_ENTRY, key)
            if kept is None:
                raise RegistryError(
                    f"{key} is not known, and nobody is asked while offline",
                    hint="leave out --offline once, or name a base that is here",
                )
            return Digest.parse(kept.decode())
        digest = self.source.repository.digest(tag)
        if digest is not None:
            self.store.write_entry(_ENTRY, key, str(digest).encode())
        return digest


def _manifest(data: bytes) -> Manifest:
    media_type = document.decode(data, "the manifest").get("mediaType")
    return Manifest(Descriptor.of(media_type if isinstance(media_type, str) else "", data), data)
