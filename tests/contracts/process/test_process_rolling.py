"""Servers are replaced one after the other behind a proxy, and no client notices."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contracts.process.conftest import free_port
from tests.contracts.process.nginx import KEEPING, Proxy, nginx_before
from tests.contracts.process.traffic import Traffic

pytestmark = pytest.mark.container


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[tuple[Proxy, list[int]]]:
    """Return nginx, and the ports where it expects two servers."""
    ports = [free_port(), free_port()]
    with nginx_before(ports, tmp_path, KEEPING) as running:
        yield running, ports


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
