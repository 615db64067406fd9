"""nginx as a proxy before servers."""

import contextlib
import shutil
import signal
import subprocess
from collections.abc import Collection, Iterator
from pathlib import Path

from tests.contracts.process.conftest import PATIENCE_S, children_of, eventually, free_port, is_alive

NGINX = """\
user root;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    client_max_body_size 0;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    upstream servers {{
        {servers}
        keepalive 8;
    }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://servers;
            {settings}
        }}
    }}
}}
"""
"""A request that has been sent is never sent again, which is nginx's default for POST."""

KEEPING = 'proxy_http_version 1.1; proxy_set_header Connection "";'
"""Settings with which connections to the servers are kept; otherwise each ends behind its answer."""


class Proxy:
    """nginx before some servers; it has no health checks, so it is told which ones are being started."""

    def __init__(self, folder: Path, servers: Collection[int], settings: str) -> None:
        self._folder = folder
        self._servers = servers
        self._settings = settings
        self.port = free_port()
        self._write(frozenset())
        nginx = shutil.which("nginx", path="/usr/sbin:/usr/bin")
        assert nginx is not None, "ci/tools installs nginx"
        self.process = subprocess.Popen(
            [nginx, "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
        )
        eventually(lambda: children_of(self.process.pid))

    def leave_out(self, *ports: int) -> None:
        """Send nothing to these servers; return when no request can go there any more."""
        before = children_of(self.process.pid)
        self._write(frozenset(ports))
        self.process.send_signal(signal.SIGHUP)
        eventually(lambda: not [pid for pid in before if is_alive(pid)])

    def _write(self, left_out: frozenset[int]) -> None:
        # Without max_fails=0, a server that refused a connection once is left alone for 10 s, perhaps both.
        lines = (
            f"server 127.0.0.1:{port} {'down' if port in left_out else 'max_fails=0'};"
            for port in self._servers
        )
        servers = "\n        ".join(lines)
        text = NGINX.format(folder=self._folder, port=self.port, servers=servers, settings=self._settings)
        (self._folder / "nginx.conf").write_text(text)


@contextlib.contextmanager
def nginx_before(servers: Collection[int], folder: Path, settings: str = "") -> Iterator[Proxy]:
    """Run nginx before *servers* on these ports; it keeps its files in *folder*."""
    running = Proxy(folder, servers, settings)
    try:
        yield running
    finally:
        running.process.send_signal(signal.SIGQUIT)
        assert running.process.wait(PATIENCE_S) == 0
