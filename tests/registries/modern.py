"""A registry in memory by the distribution specification 1.1, where Debian's, of 2.8, differs from it.

It keeps what it has of a broken upload and tells how much, refuses parts in the wrong order, and lists
referrers, one a page. Habits of other registries can be switched on.
"""

import hashlib
import json
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from lading.reference import ImageRef

from tests.registries.web import Handler, serving

_UPLOAD = re.compile(r"/uploads/(\w+)")
_SMALL_BYTES = 10_000


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


@dataclass
class ModernRegistry:
    """One repository, whatever its name."""

    part_status: int = 202
    """Of the answer to a part; Amazon ECR's is 201."""

    least_part_bytes: int = 0
    breaks_at: list[int] = field(default_factory=list)
    """After how many bytes of a body the connection breaks, for the next requests with a large one."""

    forgets_uploads: bool = False
    """Whether a broken upload cannot be continued."""

    warning: str | None = None

    refused_digest: str = ""
    """Of a blob that this registry does not want."""

    is_damaged: bool = False
    """Whether it tells another digest than that of what it stored."""

    has_referrers: bool = True
    tells_digests: bool = True
    """Whether answers about manifests have ``Docker-Content-Digest``, which they need not have."""

    keeps_parts: bool = True
    token: str | None = None
    """Without which nobody is let in."""

    conflicts: int = 0
    """How many times somebody else changes a tag just before us."""

    blobs: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    uploads: dict[str, bytes] = field(default_factory=dict)
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    """Method, path and the range of the bytes that came."""

    port: int = 0

    def ref(self, name: str) -> ImageRef:
        """Return the reference of ``path:tag`` here."""
        return ImageRef.parse(f"localhost:{self.port}/{name}")

    @contextmanager
    def running(self) -> Iterator["ModernRegistry"]:
        """Serve on a free port."""
        with serving(self.handle) as self.port:
            yield self

    def handle(self, handler: Handler) -> None:
        """Answer a request."""
        self.asked.append((handler.command, handler.path, handler.headers.get("Content-Range") or ""))
        path = handler.path.partition("?")[0]
        if self.token is not None and handler.headers.get("Authorization") != f"Bearer {self.token}":
            handler.body()
            handler.answer(401, WWW_Authenticate='Bearer realm="http://localhost:1/none"')
        elif "/uploads/" in path:
            getattr(self, f"_{handler.command.lower()}_upload")(handler)
        elif "/manifests/" in path:
            self._manifest(handler, path.rpartition("/")[2])
        elif "/blobs/" in path:
            found = self.blobs.get(path.rpartition("/")[2])
            handler.answer(404 if found is None else 200, found or b"")
        elif "/referrers/" in path and self.has_referrers:
            self._referrers(handler, path.rpartition("/")[2])
        else:
            handler.answer(200 if path == "/v2/" else 404)

    def _post_upload(self, handler: Handler) -> None:
        upload = uuid.uuid4().hex
        self.uploads[upload] = b""
        least = str(self.least_part_bytes)
        location = f"{handler.path.partition('?')[0]}{upload}?_state=a%3D%3D"
        handler.answer(202, Location=location, OCI_Chunk_Min_Length=least)

    def _get_upload(self, handler: Handler) -> None:
        upload = _UPLOAD.search(handler.path)
        if upload is None or upload[1] not in self.uploads or self.forgets_uploads:
            handler.answer(404)
            return
        last = max(len(self.uploads[upload[1]]) - 1, 0)
        handler.answer(204, Location=handler.path, Range=f"0-{last}")

    def _delete_upload(self, handler: Handler) -> None:
        handler.answer(204)

    def _patch_upload(self, handler: Handler) -> None:
        upload = self._upload(handler)
        start = int((handler.headers.get("Content-Range") or "0-").partition("-")[0])
        if start != len(self.uploads[upload]):
            handler.answer(416, b'{"errors":[{"code":"BLOB_UPLOAD_INVALID"}]}')
            return
        before = self.uploads[upload]
        if self._take(handler, upload):
            self.uploads[upload] = self.uploads[upload] if self.keeps_parts else before
            last = max(len(self.uploads[upload]) - 1, 0)
            handler.answer(self.part_status, Location=handler.path, Range=f"0-{last}")

    def _put_upload(self, handler: Handler) -> None:
        upload = self._upload(handler)
        assert "_state=a%3D%3D" in handler.path
        if not self._take(handler, upload):
            return
        data = self.uploads.pop(upload)
        if not handler.path.endswith(f"&digest={_digest(data)}"):
            handler.answer(400, b'{"errors":[{"code":"DIGEST_INVALID"}]}')
            return
        if _digest(data) == self.refused_digest:
            handler.answer(403, b'{"errors":[{"code":"DENIED"}]}')
            return
        self.blobs[_digest(data)] = data
        digest = f"sha256:{0:064}" if self.is_damaged else _digest(data)
        handler.answer(201, Docker_Content_Digest=digest)

    def _upload(self, handler: Handler) -> str:
        found = _UPLOAD.search(handler.path)
        assert found is not None
        return found[1]

    def _take(self, handler: Handler, upload: str) -> bool:
        """Take a body, or break off in its middle; return whether it was taken whole."""
        length = int(handler.headers.get("Content-Length") or 0)
        taken = min(self.breaks_at.pop(0), length) if self.breaks_at and length > _SMALL_BYTES else length
        self.uploads[upload] += handler.rfile.read(taken)
        handler.close_connection = taken < length
        return taken == length

    def _manifest(self, handler: Handler, reference: str) -> None:
        if handler.command != "PUT":
            media_type, data = self.manifests.get(reference, ("", b""))
            headers = {"Docker_Content_Digest": _digest(data), "Content_Type": media_type} if data else {}
            headers |= {"ETag": f'"{_digest(data)}"'}
            if not self.tells_digests:
                headers.pop("Docker_Content_Digest", None)
            headers |= {"Warning": self.warning} if self.warning else {}
            handler.answer(200 if data else 404, data, **headers)
            return
        data = handler.body()
        if handler.headers.get("If-Match") and self.conflicts:
            self.conflicts -= 1
            handler.answer(412)
            return
        for name in (reference, _digest(data)):
            self.manifests[name] = (str(handler.headers.get("Content-Type")), data)
        subject = json.loads(data).get("subject")
        said = {"OCI_Subject": subject["digest"]} if subject and self.has_referrers else {}
        handler.answer(201, Docker_Content_Digest=_digest(data), **said)

    def _referrers(self, handler: Handler, subject: str) -> None:
        """List what refers to *subject*, one a page, without the filter that was asked for."""
        found = [
            {"mediaType": kind, "digest": digest, "size": len(data), "artifactType": members["artifactType"]}
            for digest, (kind, data) in sorted(self.manifests.items())
            if (members := json.loads(data)).get("subject", {}).get("digest") == subject
        ]
        page = int(handler.path.partition("?page=")[2] or 0) if "?page=" in handler.path else 0
        index = {"schemaVersion": 2, "manifests": found[page : page + 1]}
        following = f'<{handler.path.partition("?")[0]}?page={page + 1}>; rel="next"'
        more = {"Link": following} if page + 1 < len(found) else {}
        handler.answer(200, json.dumps(index).encode(), **more)
