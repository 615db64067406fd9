"""One repository of a registry: its manifests and blobs, by the distribution specification's end points."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from lading.digest import Digest
from lading.errors import DigestMismatch
from lading.oci import document, media_types
from lading.oci.descriptor import Descriptor
from lading.oci.registry.host import Ask, Host, Reply
from lading.oci.registry.patience import Passing
from lading.oci.registry.transport import Answer, Body

MAX_MANIFEST_BYTES = 4 << 20
"""Registries need not take more (distribution specification, "Pushing Manifests")."""

_OK, _CREATED, _ACCEPTED, _NO_CONTENT, _PARTIAL, _NOT_FOUND = 200, 201, 202, 204, 206, 404
_FOUND_OR_NOT = frozenset({_OK, _NOT_FOUND})
_TAKEN = frozenset({_OK, _CREATED, _ACCEPTED, _NO_CONTENT})
_ACCEPT = ", ".join(sorted(media_types.INDEXES | media_types.MANIFESTS))


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest or index, exactly as the registry has it."""

    descriptor: Descriptor
    data: bytes

    etag: str | None = None
    """What the registry calls this state of a tag, if it does."""

    @property
    def members(self) -> dict[str, Any]:
        """The JSON object."""
        return document.decode(self.data, f"the manifest {self.descriptor.digest}")


@dataclass(frozen=True, slots=True)
class Repository:
    """One repository; ``str`` gives ``host/path``."""

    host: Host
    path: str

    is_written: bool = False
    """Whether we ask for the permission to push."""

    others: tuple[str, ...] = ()
    """Repositories of the same registry that blobs may be mounted from."""

    def __str__(self) -> str:
        return f"{self.host.address}/{self.path}"

    def manifest(self, reference: Digest | str) -> Manifest | None:
        """Return a manifest by digest or tag; None where there is none.

        Raises:
            DigestMismatch: it is not what *reference* says.
            RegistryError: the registry does not give it.
        """
        ask = self._manifest_ask("GET", reference, _FOUND_OR_NOT, limit_bytes=2 * MAX_MANIFEST_BYTES)
        reply = self.host.ask(ask, lambda reply: self._check_manifest(reference, reply))
        if reply.status == _NOT_FOUND:
            return None
        descriptor = Descriptor.of(_media_type(reply, f"what {self} gives as {reference}"), reply.data)
        return Manifest(descriptor, reply.data, reply.headers.get("etag"))

    def digest(self, reference: Digest | str) -> Digest | None:
        """Return the digest of a manifest by tag; None where there is none.

        Raises:
            RegistryError: the registry does not tell.
        """
        reply = self.host.ask(self._manifest_ask("HEAD", reference, _FOUND_OR_NOT))
        if reply.status == _NOT_FOUND:
            return None
        found = _digest(reply)
        if found is None:  # the header is optional
            manifest = self.manifest(reference)
            found = manifest.descriptor.digest if manifest else None
        return found

    def put_manifest(
        self,
        reference: Digest | str,
        media_type: str,
        data: bytes,
        condition: Mapping[str, str] | None = None,
    ) -> Mapping[str, str]:
        """Give the registry a manifest under a digest or tag; return the headers of its answer.

        Args:
            reference: to put it under.
            media_type: of the manifest.
            data: its bytes.
            condition: headers such as ``If-Match``, under which the registry may refuse it.

        Raises:
            DigestMismatch: it took other bytes.
            RegistryError: it does not take it.
        """
        headers = {"Content-Type": media_type, **(condition or {})}
        ask = self._manifest_ask("PUT", reference, _TAKEN, headers=headers, body=Body.of(data))
        return self.host.ask(ask, lambda reply: self._check_stored(reference, Digest.of(data), reply)).headers

    def has_blob(self, descriptor: Descriptor) -> bool:
        """Whether the repository has a blob.

        Raises:
            RegistryError: the registry does not tell.
        """
        return self.host.ask(self._blob_ask("HEAD", descriptor, _FOUND_OR_NOT)).status == _OK

    @contextmanager
    def open_blob(self, descriptor: Descriptor, start_bytes: int) -> Iterator[tuple[Answer, int]]:
        """Give a blob's bytes, not read yet, and the offset at which they start: 0 if not *start_bytes*.

        Raises:
            Passing: the connection broke.
            RegistryError: the registry does not give it.
        """
        headers = {"Range": f"bytes={start_bytes}-"} if start_bytes else {}
        expected = frozenset({_OK, _PARTIAL} if start_bytes else {_OK})
        with self.host.open(self._blob_ask("GET", descriptor, expected, headers=headers)) as answer:
            if answer.status != _PARTIAL:
                yield answer, 0
                return
            span = (answer.header("Content-Range") or "").removeprefix("bytes ").partition("-")[0]
            yield answer, int(span) if span.isascii() and span.isdigit() else start_bytes

    def small_blob(self, descriptor: Descriptor) -> bytes:
        """Return the bytes of a small blob, such as a configuration.

        Raises:
            DigestMismatch: they are not those of *descriptor*.
            RegistryError: the registry does not give them.
        """
        ask = self._blob_ask("GET", descriptor, frozenset({_OK}), limit_bytes=2 * MAX_MANIFEST_BYTES)
        return self.host.ask(ask, lambda reply: self._check(ask.what, descriptor.digest, reply.data)).data

    def start_upload(self, descriptor: Descriptor, *, mounted_from: str | None = None) -> Reply:
        """Return the answer to the wish to upload a blob, or to have it from a repository that has it.

        Raises:
            RegistryError: the registry does not want it.
        """
        # a mount without the repository to mount from is refused by Quay
        query = f"?mount={descriptor.digest}&from={mounted_from}" if mounted_from else ""
        headers = {"Content-Length": "0"}
        ask = self._ask(
            f"an upload of the blob {descriptor.digest}",
            "POST",
            f"blobs/uploads/{query}",
            expected=frozenset({_CREATED, _ACCEPTED}),
            headers=headers,
        )
        return self.host.ask(ask)

    def ask(self, what: str, method: str, url: str, expected: frozenset[int], **more: Any) -> Ask:
        """Return a question about this repository to any URL of the registry."""
        return Ask(what, method, url, self.path, self.scopes, expected, **more)

    @property
    def scopes(self) -> tuple[str, ...]:
        """The permissions that we ask for; ours first, as some registries read the first only."""
        own = f"repository:{self.path}:{'pull,push' if self.is_written else 'pull'}"
        return (own, *(f"repository:{other}:pull" for other in self.others))

    def _check_manifest(self, reference: Digest | str, reply: Reply) -> None:
        promised = reference if isinstance(reference, Digest) else _digest(reply)
        if reply.status != _NOT_FOUND and promised is not None:
            self._check(f"the manifest {reference}", promised, reply.data)

    def _check_stored(self, reference: Digest | str, digest: Digest, reply: Reply) -> None:
        """Refuse that a tag names something else: what is put under a tag, no registry can verify."""
        stored = _digest(reply)
        if stored not in {None, digest}:
            what = f"{self} stored another manifest as {reference}: {stored} and not {digest}"
            raise _changed(what)

    def _check(self, what: str, promised: Digest, data: bytes) -> None:
        if (got := Digest.of(data)) != promised:
            raise _changed(f"{what} from {self} is not what it should be: expected {promised}, got {got}")

    def _manifest_ask(
        self, method: str, reference: Digest | str, expected: frozenset[int], **more: Any
    ) -> Ask:
        wanted = {"headers": {"Accept": _ACCEPT}, **more}
        return self._ask(f"the manifest {reference}", method, f"manifests/{reference}", expected, **wanted)

    def _blob_ask(self, method: str, descriptor: Descriptor, expected: frozenset[int], **more: Any) -> Ask:
        digest = descriptor.digest
        return self._ask(f"the blob {digest}", method, f"blobs/{digest}", expected, **more)

    def _ask(self, what: str, method: str, path: str, expected: frozenset[int], **more: Any) -> Ask:
        return self.ask(what, method, f"/v2/{self.path}/{path}", expected, **more)


def _changed(message: str) -> Passing:
    hint = "something changed it on its way, or the registry is damaged; try again"
    return Passing(message, wait_s=0, meaning=DigestMismatch(message, hint=hint))


def _media_type(reply: Reply, what: str) -> str:
    """Return what a manifest is, by its own word; else by the answer's."""
    own = document.decode(reply.data, what).get("mediaType")
    return own if isinstance(own, str) else reply.headers.get("content-type", "").partition(";")[0].strip()


def _digest(reply: Reply) -> Digest | None:
    try:
        return Digest.parse(reply.headers.get("docker-content-digest", ""))
    except ValueError:
        return None
