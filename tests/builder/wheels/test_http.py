"""Whose certificates are believed."""

import ssl
import subprocess
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from lading.digest import Digest
from lading.environment import Environment, PackageIndex, Platform, PythonMinor
from lading.errors import PackageIndexError
from lading.lock import Lock, LockedPackage, WheelSource
from lading.locking.uv import UvLocker
from lading.progress import Silent
from lading.wheels.fetch import WheelFetcher

LINUX = Platform("linux", "amd64")
PYTHON = PythonMinor(3, 11)


class _Quiet(SimpleHTTPRequestHandler):
    """Serves a folder without a word."""

    def log_message(self, *_: object) -> None:
        """Print nothing."""


class _Server(ThreadingHTTPServer):
    """Serves without complaining of clients."""

    def handle_error(self, *_: object) -> None:
        """Say nothing when a client that does not trust goes away."""


@pytest.fixture
def secured(packages, tmp_path):
    """Serve the folder of packages over TLS, its certificate signed by a CA of its own; give URL and CA."""
    ca, leaf = tmp_path / "ca.pem", tmp_path / "leaf.pem"
    new = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout")
    signed = ("-CA", ca, "-CAkey", tmp_path / "ca.key", "-addext", "basicConstraints=CA:FALSE")
    for command in (
        [*new, tmp_path / "ca.key", "-subj", "/CN=authority", "-out", ca],
        [
            *new,
            tmp_path / "key",
            "-subj",
            "/CN=host",
            "-out",
            leaf,
            "-addext",
            "subjectAltName=IP:127.0.0.1",
            *signed,
        ],
    ):
        subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(leaf, tmp_path / "key")

    def handler(*arguments):
        return _Quiet(*arguments, directory=str(packages.folder))

    with _Server(("127.0.0.1", 0), handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"https://127.0.0.1:{server.server_port}", ca
        server.shutdown()
        thread.join()


def test_ssl_cert_file_is_believed(packages, secured, store, uv_cache, monkeypatch):
    """A CA in ``SSL_CERT_FILE`` is believed when locking and when fetching."""
    url, ca = secured
    packages.wheel("aa")
    monkeypatch.setenv("SSL_CERT_FILE", str(ca))
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    index = PackageIndex(find_links=(f"{url}/",), uses_index=False)

    lock = UvLocker(index, store, Silent()).lock(Environment(PYTHON, ("aa",)), LINUX)
    (wheel,) = WheelFetcher(store, Silent(), index).fetch(lock)
    assert Digest.of_file(wheel) == lock.packages[0].source.digest


def test_an_unknown_ca_is_refused_with_a_hint(packages, secured, store, monkeypatch):
    """A host whose CA nobody knows is refused at once, and the hint names ``SSL_CERT_FILE``."""
    url, _ = secured
    wheel = packages.wheel("aa")
    source = WheelSource(wheel.name, f"{url}/{wheel.name}", Digest.of_file(wheel))
    lock = Lock(PYTHON, LINUX, (LockedPackage("aa", "1.0", source),), "")

    with pytest.raises(PackageIndexError, match="SSL_CERT_FILE"):
        WheelFetcher(store, Silent()).fetch(lock)


def test_a_trusted_host_is_not_checked(packages, secured, store):
    """A host that the user trusts (``--trusted-host``) may have any certificate."""
    url, _ = secured
    wheel = packages.wheel("aa")
    source = WheelSource(wheel.name, f"{url}/{wheel.name}", Digest.of_file(wheel))
    lock = Lock(PYTHON, LINUX, (LockedPackage("aa", "1.0", source),), "")

    assert WheelFetcher(store, Silent(), PackageIndex(trusted_hosts=("127.0.0.1",))).fetch(lock)
