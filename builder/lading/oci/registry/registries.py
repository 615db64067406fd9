"""All registries that one command speaks to: what everybody outside of this package opens."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Self

from lading.digest import Digest
from lading.environment import Platform
from lading.errors import PushFailed, RegistryError
from lading.oci.blob import BytesBlob
from lading.oci.descriptor import EMPTY_JSON, Descriptor
from lading.oci.image import Image, Index
from lading.oci.registry import referrers
from lading.oci.registry.address import Address
from lading.oci.registry.authorizer import Authorizer
from lading.oci.registry.certificates import certificate_folders
from lading.oci.registry.host import Host
from lading.oci.registry.keychain import Keychain, UserFiles
from lading.oci.registry.patience import Patience
from lading.oci.registry.pull import Pulled, read_image
from lading.oci.registry.push import Part, Pusher
from lading.oci.registry.remote_blob import Cache, RegistryBlob
from lading.oci.registry.repository import Manifest, Repository
from lading.oci.registry.transport import Transport
from lading.progress import Progress, Silent
from lading.reference import ImageRef


@dataclass(frozen=True, slots=True)
class Settings:
    """How registries are spoken to."""

    keychain: Keychain = field(default_factory=UserFiles)

    insecure_hosts: frozenset[str] = frozenset()
    """``host[:port]`` whose certificates are not checked, and that may be spoken to without encryption.

    The latter is also true of this machine.
    """

    certificate_folders: tuple[Path, ...] = field(default_factory=certificate_folders)
    patience: Patience = field(default_factory=Patience)


class Registries:
    """Registries, connected to at first use; several threads may use one, which is closed by ``with``."""

    def __init__(self, settings: Settings | None = None, progress: Progress | None = None) -> None:
        self._settings = settings or Settings()
        self._progress = progress or Silent()
        self._transport = Transport(self._settings.insecure_hosts, self._settings.certificate_folders)
        self._hosts: dict[Address, Host] = {}
        self._lock = Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close all connections."""
        self._transport.__exit__(kind, error, trace)

    def resolve(self, ref: ImageRef) -> Digest | None:
        """Return the digest of the manifest or index that *ref* names; None where there is none.

        Raises:
            RegistryError: the registry does not tell.
        """
        return self._repository(ref).digest(_reference(ref))

    def pull(self, ref: ImageRef, platform: Platform) -> Pulled:
        """Return the image for *platform* that *ref* names; its layers are read when somebody asks.

        Raises:
            InvalidImage: it is none, or none for the platform.
            DigestMismatch: a part is not what its digest says.
            RegistryError: there is none, or it cannot be read.
        """
        return read_image(self.source(ref), str(ref), _reference(ref), platform)

    def source(self, ref: ImageRef, cache: Cache | None = None) -> "RegistrySource":
        """Return the parts of all images in the repository of *ref*; *cache* keeps layers that are read."""
        return RegistrySource(self._repository(ref), cache)

    def push(self, made: Image | Index, *refs: ImageRef, mounted_from: tuple[str, ...] = ()) -> Descriptor:
        """Bring *made* to registries under all of *refs*; return its descriptor.

        A tag is written after everything that it names is there; until then it keeps what it had.

        Args:
            made: the image.
            refs: where it goes to; several tags of one repository need one push.
            mounted_from: paths of repositories that may have some of its blobs in the same registry.

        Raises:
            PushFailed: a registry did not take it; says which one, which part, and what to do.
            DigestMismatch: a layer has other bytes than its descriptor says.
        """
        groups: dict[tuple[Address, str], list[ImageRef]] = {}
        for ref in refs:
            address = Address.of(ref)
            groups.setdefault((address, address.repository(ref)), []).append(ref)
        for group in groups.values():
            with _push_errors(group[0]):
                references = [_pushed_reference(ref, made.descriptor.digest) for ref in group]
                Pusher(self._repository(group[0], is_written=True), mounted_from).push(made, references)
        return made.descriptor

    def attach(self, ref: ImageRef, subject: Descriptor, artifact: referrers.Artifact) -> Descriptor:
        """Say *artifact* of the image *subject* in the repository of *ref*; return its manifest's descriptor.

        Raises:
            PushFailed: the registry did not take it.
        """
        repository = self._repository(ref, is_written=True)
        empty = (referrers.EMPTY, BytesBlob(EMPTY_JSON))
        with _push_errors(ref):
            Pusher(repository).upload_all([Part(*part) for part in (empty, *artifact.blobs)])
            return referrers.attach(repository, subject, artifact)

    def referrers(
        self, ref: ImageRef, subject: Digest, artifact_type: str | None = None
    ) -> tuple[Descriptor, ...]:
        """Return what refers to the image *subject* in the repository of *ref*.

        Raises:
            RegistryError: the registry does not tell.
        """
        return referrers.referrers(self._repository(ref), subject, artifact_type)

    def _repository(self, ref: ImageRef, *, is_written: bool = False) -> Repository:
        address = Address.of(ref)
        return Repository(self._host(address), address.repository(ref), is_written=is_written)

    def _host(self, address: Address) -> Host:
        settings = self._settings
        with self._lock:
            if address not in self._hosts:
                authorizer = Authorizer(address, settings.keychain, self._transport, settings.patience)
                is_plain_allowed = address.is_loopback or address.host in settings.insecure_hosts
                self._hosts[address] = Host(
                    address, self._transport, authorizer, settings.patience, self._progress, is_plain_allowed
                )
            return self._hosts[address]


@dataclass(frozen=True, slots=True)
class RegistrySource:
    """The parts of images in one repository."""

    repository: Repository
    cache: Cache | None = None
    """Keeps layers that are read."""

    def offline(self) -> "RegistrySource":
        """Return the same parts, of which only those that the cache has can be read."""
        host = replace(self.repository.host, is_offline=True)
        return replace(self, repository=replace(self.repository, host=host))

    def manifest(self, reference: Digest | str) -> Manifest | None:
        """Return a manifest or index; None where there is none."""
        return self.repository.manifest(reference)

    def small_blob(self, descriptor: Descriptor) -> bytes:
        """Return the bytes of a configuration."""
        return self.repository.small_blob(descriptor)

    def blob(self, descriptor: Descriptor) -> RegistryBlob:
        """Return a layer's bytes, which are not read yet."""
        return RegistryBlob(self.repository, descriptor, self.cache)


def _reference(ref: ImageRef) -> Digest | str:
    return ref.digest or ref.tag


def _pushed_reference(ref: ImageRef, digest: Digest) -> Digest | str:
    if ref.digest not in {None, digest}:
        raise PushFailed(
            f"{ref} names another image than the one made, {digest}", hint="leave out the digest"
        )
    return _reference(ref)


@contextmanager
def _push_errors(ref: ImageRef) -> Iterator[None]:
    try:
        yield
    except RegistryError as error:
        raise PushFailed(f"cannot push {ref}: {error.message}", hint=error.hint) from error
