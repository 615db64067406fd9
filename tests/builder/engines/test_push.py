"""Bringing images from an engine to registries."""

import hashlib
import io
import re
import tarfile
import threading
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from lading.engines.find import find_engine
from lading.engines.inspection import describe
from lading.engines.push import push
from lading.errors import PushFailed
from lading.progress import Silent
from lading.reference import ImageRef

pytestmark = pytest.mark.container


class Registry(ThreadingHTTPServer):
    """As much of a registry (OCI distribution specification, push) as an engine needs, in memory."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.blobs: dict[str, bytes] = {}
        self.manifests: dict[str, bytes] = {}
        self.uploads: dict[str, bytes] = {}
        self.is_closed = False


class _Handler(BaseHTTPRequestHandler):
    server: Registry
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Print nothing."""

    def do_GET(self) -> None:
        """Answer the question for the version."""
        self.answer(200)

    def do_HEAD(self) -> None:
        """Say whether a blob is here."""
        self.answer(200 if self.path.rpartition("/")[2] in self.server.blobs else 404)

    def do_POST(self) -> None:
        """Open an upload, unless nobody may."""
        if self.server.is_closed:
            self.answer(401)
            return
        upload = uuid.uuid4().hex
        self.server.uploads[upload] = b""
        self.answer(202, Location=f"/v2/x/blobs/uploads/{upload}")

    def do_PATCH(self) -> None:
        """Take a part of an upload."""
        upload = self.upload()
        self.server.uploads[upload] += self.body()
        size = len(self.server.uploads[upload])
        self.answer(202, Location=self.path, Range=f"0-{size - 1}")

    def do_PUT(self) -> None:
        """Close an upload, or take a manifest."""
        if "/manifests/" in self.path:
            content = self.body()
            self.server.manifests[self.path.rpartition("/")[2]] = content
        else:
            content = self.server.uploads.pop(self.upload()) + self.body()
            self.server.blobs[f"sha256:{hashlib.sha256(content).hexdigest()}"] = content
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        self.answer(201, **{"Docker-Content-Digest": digest, "Location": self.path})

    def upload(self) -> str:
        """The upload that the path names."""
        found = re.search(r"/uploads/(\w+)", self.path)
        assert found is not None
        return found[1]

    def body(self) -> bytes:
        """The body, whether its length is known or not."""
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def answer(self, status: int, **headers: str) -> None:
        """Send an answer without a body."""
        self.send_response(status)
        for name, value in {"Docker-Distribution-Api-Version": "registry/2.0", **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()


@pytest.fixture
def registry() -> Iterator[Registry]:
    """A registry on loopback, which engines speak plain HTTP to."""
    with Registry() as registry:
        thread = threading.Thread(target=registry.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield registry
        registry.shutdown()
        thread.join()


@pytest.fixture
def name(registry) -> Iterator[ImageRef]:
    """The name of a tiny image that belongs into the registry."""
    name = ImageRef.parse(f"127.0.0.1:{registry.server_port}/team/tiny:1")
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        member = tarfile.TarInfo(uuid.uuid4().hex)
        archive.addfile(member)
    client = find_engine()
    client.api.import_image_from_data(buffer.getvalue(), repository=name.repository, tag=name.tag)
    yield name
    client.images.remove(str(name), force=True)
    client.close()


def test_a_pushed_image_is_known_by_its_digest(registry, name):
    """After the push the registry has the image, and its digest is that of the manifest there."""
    client = find_engine()
    push(client, [name], Silent())
    built = describe(client, str(name), (name,))
    client.close()

    assert str(built.digest) == f"sha256:{hashlib.sha256(registry.manifests['1']).hexdigest()}"
    assert len(registry.blobs) == 2


def test_a_registry_that_refuses_is_an_error(registry, name):
    """The message names the image and says how to log in."""
    registry.is_closed = True
    client = find_engine()

    with pytest.raises(PushFailed, match=f"cannot push {name}: .*docker login {name.host}"):
        push(client, [name], Silent())
    client.close()
