"""Servers are replaced one after the other behind a proxy, and no client notices."""

import shutil
import signal
import subprocess
from collections.abc import Collection, Iterator
from pathlib import Path

import pytest

from tests.contracts.process.conftest import PATIENCE_S, children_of, eventually, free_port, is_alive
from tests.contracts.process.traffic import Traffic

NGINX = """\
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
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
            proxy_http_version 1.1;
            proxy_set_header Connection "";
        }}
    }}
}}
"""
"""A request that has been sent is never sent again, which is nginx's default for POST."""

pytestmark = pytest.mark.container


class Proxy:
    """nginx before some servers; it has no health checks, so it is told which ones are being started."""

    def __init__(self, folder: Path, servers: Collection[int]) -> None:
        self._folder = folder
        self._servers = servers
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
        text = NGINX.format(folder=self._folder, port=self.port, servers="\n        ".join(lines))
        (self._folder / "nginx.conf").write_text(text)


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[tuple[Proxy, list[int]]]:
    """Return nginx, and the ports where it expects two servers."""
    ports = [free_port(), free_port()]
    running = Proxy(tmp_path, ports)
    yield running, ports
    running.process.send_signal(signal.SIGQUIT)
    assert running.process.wait(PATIENCE_S) == 0


def test_a_rolling_restart_behind_a_proxy_fails_no_request(start, proxy, request):
    """Two servers, each restarted in turn under load: every request is a 200, every exit code 0."""
    nginx, ports = proxy
    servers = [start(PORT=str(port)).until_ready() for port in ports]
    exits = []
    # nginx hangs up on idle clients when it is told something, so each request has its own connection.
    traffic = Traffic(nginx.port, 8, lambda chance: f"sleep {chance.random() / 20}", is_keeping=False)
    with traffic:
        for _ in range(request.config.getoption("--rounds")):
            for number, port in enumerate(ports):
                exits.append(servers[number].stop())
                nginx.leave_out(port)
                servers[number] = start(PORT=str(port)).until_ready()
                nginx.leave_out()

    assert set(exits) == {0}
    assert set(traffic.statuses) == {200}, [answer for answer in traffic.answers if answer.status != 200]
    assert len(traffic.answers) > 8 * len(exits)
