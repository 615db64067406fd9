"""What refers to an image: signatures, bills of materials, provenance.

Distribution specification, "Listing Referrers" and "Pushing Manifests with Subject". Registries that do not
know the interface get an index under the tag ``sha256-<hex>``, which clients keep.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import quote

from lading.digest import Digest
from lading.errors import RegistryError
from lading.oci import document, media_types
from lading.oci.blob import Blob
from lading.oci.descriptor import EMPTY_JSON, Descriptor
from lading.oci.registry.problems import Refused
from lading.oci.registry.pull import entries_of
from lading.oci.registry.repository import Manifest, Repository

_OK, _NOT_FOUND, _NO_METHOD, _CHANGED = 200, 404, 405, 412
_UPDATES = 5
_PAGES = 100
_LIMIT_BYTES = 8 << 20
EMPTY = replace(Descriptor.of(media_types.EMPTY, EMPTY_JSON), others={"data": "e30="})


@dataclass(frozen=True, slots=True)
class Artifact:
    """Something said of an image."""

    artifact_type: str
    blobs: tuple[tuple[Descriptor, Blob], ...]
    annotations: Mapping[str, str] = field(default_factory=dict)

    def manifest_bytes(self, subject: Descriptor) -> bytes:
        """Return the manifest that says it of *subject*."""
        members = {
            "schemaVersion": 2,
            "mediaType": media_types.MANIFEST,
            "artifactType": self.artifact_type,
            "config": EMPTY.document(),
            "layers": [descriptor.document() for descriptor, _ in self.blobs] or [EMPTY.document()],
            "subject": Descriptor(subject.media_type, subject.digest, subject.size_bytes).document(),
            "annotations": dict(self.annotations),
        }
        return document.encode({key: value for key, value in members.items() if value != {}})

    def descriptor(self, subject: Descriptor) -> Descriptor:
        """Return what an index of referrers says of it."""
        plain = Descriptor.of(media_types.MANIFEST, self.manifest_bytes(subject))
        return replace(plain, artifact_type=self.artifact_type, annotations=self.annotations)


def attach(repository: Repository, subject: Descriptor, artifact: Artifact) -> Descriptor:
    """Say *artifact*, whose blobs are there, of *subject*; return the descriptor of the new manifest.

    Raises:
        RegistryError: the registry does not take it.
    """
    made = artifact.descriptor(subject)
    headers = repository.put_manifest(made.digest, made.media_type, artifact.manifest_bytes(subject))
    if "oci-subject" not in headers:
        _add_to_tag(repository, subject.digest, made)
    return made


def referrers(
    repository: Repository, subject: Digest, artifact_type: str | None = None
) -> tuple[Descriptor, ...]:
    """Return what refers to *subject*, of one type where that is given.

    Raises:
        RegistryError: the registry does not tell.
        InvalidImage: it answers no index.
    """
    found = _listed(repository, subject, artifact_type)
    if found is None:
        found = _tagged(repository, subject)
    return tuple(each for each in found if artifact_type in {None, each.artifact_type})


def _listed(repository: Repository, subject: Digest, artifact_type: str | None) -> list[Descriptor] | None:
    """Return what the interface lists, page by page; None where there is no such interface."""
    query = f"?artifactType={quote(artifact_type, safe='')}" if artifact_type else ""
    url = f"/v2/{repository.path}/referrers/{subject}{query}"
    found: list[Descriptor] = []
    for _ in range(_PAGES):
        what = f"what refers to {subject}"
        statuses = frozenset({_OK, _NOT_FOUND, _NO_METHOD})
        reply = repository.host.ask(repository.ask(what, "GET", url, statuses, limit_bytes=_LIMIT_BYTES))
        if reply.status != _OK:
            return None
        found += entries_of(
            Manifest(Descriptor.of(media_types.INDEX, reply.data), reply.data), str(repository)
        )
        following = _next(reply.headers.get("link", ""))
        if following is None:
            return found
        url = repository.host.resolve(reply.url, following, what)
    raise RegistryError(f"{repository} has no end of what refers to {subject}")


def _next(link: str) -> str | None:
    """Return the target of a ``Link: <target>; rel="next"`` header."""
    target, _, parameters = link.partition(">")
    is_next = "rel=next" in parameters.replace('"', "").replace(" ", "")
    return target.strip().removeprefix("<") if is_next else None


def _tag(subject: Digest) -> str:
    return f"sha256-{subject.hex}"


def _tagged(repository: Repository, subject: Digest) -> list[Descriptor]:
    manifest = repository.manifest(_tag(subject))
    return entries_of(manifest, str(repository)) if manifest is not None else []


def _add_to_tag(repository: Repository, subject: Digest, made: Descriptor) -> None:
    """Add *made* to the index under the tag; tried again where somebody else was faster."""
    for _ in range(_UPDATES):
        manifest = repository.manifest(_tag(subject))
        entries = entries_of(manifest, str(repository)) if manifest is not None else []
        if made.digest in {entry.digest for entry in entries}:
            return
        condition = {"If-Match": manifest.etag} if manifest is not None and manifest.etag else {}
        try:
            repository.put_manifest(_tag(subject), media_types.INDEX, _index([*entries, made]), condition)
        except Refused as error:
            if error.status != _CHANGED:
                raise
        else:
            return
    raise RegistryError(f"{repository} changes all the time what refers to {subject}", hint="try again later")


def _index(entries: Sequence[Descriptor]) -> bytes:
    listed = [entry.document() for entry in sorted(entries, key=lambda entry: entry.digest)]
    return document.encode({"schemaVersion": 2, "mediaType": media_types.INDEX, "manifests": listed})
