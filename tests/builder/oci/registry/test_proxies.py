"""Which proxy is before a host."""

import pytest
from lading.oci.registry.proxies import proxy_for

PROXY = "http://user:secret@proxy.example:3128"


@pytest.mark.parametrize(
    ("no_proxy", "url"),
    [
        ("*", "https://registry.example/v2/"),
        ("registry.example", "https://registry.example/v2/"),
        ("example", "https://registry.example/v2/"),
        (".example", "https://registry.example/v2/"),
        ("*.example", "https://registry.example/v2/"),
        ("other, REGISTRY.example", "https://registry.example/v2/"),
        ("registry.example:443", "https://registry.example/v2/"),
        ("registry.example:5000", "https://registry.example:5000/v2/"),
        ("10.0.0.0/8", "https://10.1.2.3:5000/v2/"),
        ("10.1.2.3", "https://10.1.2.3:5000/v2/"),
        ("fd00::/8", "https://[fd00::1]:5000/v2/"),
        ("fd00::1", "https://[fd00::1]/v2/"),
        ("", "http://localhost:5000/v2/"),
        ("", "http://127.0.0.1:5000/v2/"),
        ("", "http://[::1]:5000/v2/"),
    ],
)
def test_hosts_without_a_proxy(no_proxy, url):
    """Names, domains, ports, numbers and networks; this machine always."""
    environ = {"https_proxy": PROXY, "http_proxy": PROXY, "NO_PROXY": no_proxy}

    assert proxy_for(url, environ) is None


@pytest.mark.parametrize(
    "no_proxy",
    [
        "",
        "other.example",
        "gistry.example",
        ".registry.example",
        "registry.example:5000",
        "10.0.0.0/8",
        "1/x",
        ",",
    ],
)
def test_hosts_with_a_proxy(no_proxy):
    """What is not meant goes through it."""
    assert proxy_for("https://registry.example/v2/", {"HTTPS_PROXY": PROXY, "no_proxy": no_proxy}) == PROXY


def test_each_scheme_has_its_proxy():
    """And one may be for all; one without a scheme is spoken to plainly."""
    assert proxy_for("https://a.example", {"http_proxy": PROXY}) is None
    assert proxy_for("https://a.example", {"ALL_PROXY": PROXY}) == PROXY
    assert proxy_for("https://a.example", {"https_proxy": "proxy:1"}) == "http://proxy:1"
    assert proxy_for("https://a.example", {}) is None
