"""Brings an image into a repository: blobs, then manifests, and tags last.

Nothing half-pushed is ever tagged: a tag is written after everything that it names is there.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from threading import Event

from lading.digest import Digest
from lading.errors import DigestMismatch, InvalidImage, RegistryError
from lading.oci import media_types
from lading.oci.blob import Blob, BytesBlob
from lading.oci.descriptor import Descriptor
from lading.oci.image import Image, Index
from lading.oci.registry.host import Reply
from lading.oci.registry.problems import Refused
from lading.oci.registry.pull import entries_of, is_foreign
from lading.oci.registry.remote_blob import RegistryBlob
from lading.oci.registry.repository import Manifest, Repository
from lading.oci.registry.upload import Cancelled, Upload

BLOBS_AT_ONCE = 4
_CREATED = 201


@dataclass(frozen=True, slots=True)
class Part:
    """A blob of an image."""

    descriptor: Descriptor
    blob: Blob


@dataclass(frozen=True, slots=True)
class Pusher:
    """Pushes into one repository."""

    repository: Repository

    mounted_from: tuple[str, ...] = ()
    """Other repositories of the registry that may have some of the blobs."""

    def push(self, made: Image | Index, references: Sequence[Digest | str]) -> Descriptor:
        """Bring *made* under all of *references*, tags or its own digest; return its descriptor.

        Raises:
            DigestMismatch: a blob is not what its descriptor says.
            RegistryError: the registry does not take it.
        """
        found = {reference: self.repository.digest(reference) for reference in references}
        missing = [reference for reference, digest in found.items() if digest != made.descriptor.digest]
        if not missing:
            return made.descriptor
        known = self._known(next(filter(None, found.values()), None))
        try:
            self._bring(made, missing, known)
        except Refused as error:
            if not known or not error.codes & {"MANIFEST_BLOB_UNKNOWN", "BLOB_UNKNOWN"}:
                raise
            # the registry has a manifest whose blobs were removed: look at each of them
            self._bring(made, missing, frozenset())
        return made.descriptor

    def _bring(
        self, made: Image | Index, references: Sequence[Digest | str], known: frozenset[Digest]
    ) -> None:
        self.upload_all([part for part in _parts(made) if part.descriptor.digest not in known])
        if isinstance(made, Index):
            for image in made.images:
                self.repository.put_manifest(
                    image.descriptor.digest, media_types.MANIFEST, image.manifest_bytes
                )
            media_type, data = media_types.INDEX, made.index_bytes
        else:
            media_type, data = media_types.MANIFEST, made.manifest_bytes
        for reference in references:
            self.repository.put_manifest(reference, media_type, data)

    def _known(self, previous: Digest | None) -> frozenset[Digest]:
        """Return the blobs of what a tag has named until now: they are there, and nobody need ask."""
        if previous is None:
            return frozenset()
        try:
            return frozenset(self._blobs_of(self.repository.manifest(previous), depth=1))
        except (RegistryError, DigestMismatch, InvalidImage):
            return frozenset()  # they are asked for one by one then

    def _blobs_of(self, manifest: Manifest | None, *, depth: int) -> Iterator[Digest]:
        if manifest is None:
            return
        if manifest.descriptor.media_type in media_types.INDEXES:
            for entry in entries_of(manifest, str(self.repository)) if depth else ():
                yield from self._blobs_of(self.repository.manifest(entry.digest), depth=depth - 1)
            return
        layers = manifest.members.get("layers")
        for value in [manifest.members.get("config"), *(layers if isinstance(layers, list) else ())]:
            yield Descriptor.parse(value).digest

    def upload_all(self, parts: Sequence[Part]) -> None:
        """Upload what is missing of *parts*, some at once; the first failure ends all.

        Raises:
            DigestMismatch: a blob is not what its descriptor says.
            RegistryError: the registry does not take one.
        """
        stop = Event()
        once = {part.descriptor.digest: part for part in parts}.values()
        with ThreadPoolExecutor(BLOBS_AT_ONCE, thread_name_prefix="push") as pool:
            futures = [pool.submit(self._provide, part, stop) for part in once]
            try:
                done, _ = wait(futures, return_when=FIRST_EXCEPTION)
                failures = [error for future in done if (error := future.exception()) is not None]
            except BaseException:
                stop.set()
                self.repository.host.transport.abort()  # some may wait long for an answer
                raise
            finally:
                stop.set()
                pool.shutdown(wait=False, cancel_futures=True)
        for failure in sorted(failures, key=lambda failure: isinstance(failure, Cancelled)):
            raise failure

    def _provide(self, part: Part, stop: Event) -> None:
        """See to it that the repository has a blob, by the cheapest way that works."""
        if stop.is_set():
            raise Cancelled
        if self.repository.has_blob(part.descriptor):
            return
        mount = self._mount(part)
        if mount.is_done:
            return
        name = f"push {part.descriptor.digest.hex[:12]}"
        with self.repository.host.progress.transfer(name, part.descriptor.size_bytes) as moved:
            upload = Upload(self.repository, part.descriptor, part.blob, moved, stop)
            if (started := mount.upload) is not None:
                upload.continue_at(started)
            upload.run()

    def _mount(self, part: Part) -> "_Mount":
        """Try to have a blob from another repository of the registry, which needs no bytes."""
        for path in self._places(part.blob):
            mounting = replace(self.repository, others=(path,))
            try:
                reply = mounting.start_upload(part.descriptor, mounted_from=path)
            except RegistryError:
                continue  # some registries answer with an error where they should not mount; upload it
            if reply.status == _CREATED:
                return _Mount(is_done=True)
            return _Mount(is_done=False, upload=reply)
        return _Mount(is_done=False)

    def _places(self, blob: Blob) -> list[str]:
        """Return the repositories that may have a blob, the surest first."""
        own = blob.repository if isinstance(blob, RegistryBlob) else None
        places = [own.path] if own is not None and own.host.address == self.repository.host.address else []
        return [path for path in (*places, *self.mounted_from) if path != self.repository.path]


@dataclass(frozen=True, slots=True)
class _Mount:
    """What came of a wish for a blob of another repository."""

    is_done: bool
    upload: Reply | None = None
    """The registry's answer, where it wants the bytes instead."""


def _parts(made: Image | Index) -> Iterator[Part]:
    """Yield the blobs of an image: layers first, as they take the longest."""
    images = made.images if isinstance(made, Index) else (made,)
    for image in images:
        for layer in image.layers:
            if not is_foreign(layer.descriptor):
                yield Part(layer.descriptor, layer.blob)
    for image in images:
        config = image.config_bytes
        yield Part(Descriptor.of(media_types.CONFIG, config), BytesBlob(config))
