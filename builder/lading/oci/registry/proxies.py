"""Which proxy is before a host, by ``HTTPS_PROXY``, ``HTTP_PROXY``, ``ALL_PROXY`` and ``NO_PROXY``."""

import ipaddress
import os
from collections.abc import Mapping
from urllib.parse import urlsplit


def proxy_for(url: str, environ: Mapping[str, str] = os.environ) -> str | None:
    """Return the proxy for *url*; None to go there directly. May hold credentials: never print it.

    This machine is always reached directly, as Go's ``http.ProxyFromEnvironment`` does.
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    port = parts.port or (443 if parts.scheme == "https" else 80)
    if _is_loopback(host) or any(_matches(rule, host, port) for rule in _rules(environ)):
        return None
    proxy = _variable(environ, f"{parts.scheme}_proxy") or _variable(environ, "all_proxy")
    return proxy if not proxy or "://" in proxy else f"http://{proxy}"


def _variable(environ: Mapping[str, str], name: str) -> str | None:
    return environ.get(name) or environ.get(name.upper()) or None


def _rules(environ: Mapping[str, str]) -> list[str]:
    return [
        rule.strip().lower() for rule in (_variable(environ, "no_proxy") or "").split(",") if rule.strip()
    ]


def _is_loopback(host: str) -> bool:
    number = _number(host)
    return host == "localhost" or (number is not None and number.is_loopback)


def _matches(rule: str, host: str, port: int) -> bool:
    """Whether one entry of ``NO_PROXY`` covers a host: a name, ``.domain``, number, network or ``*``."""
    if rule == "*":
        return True
    number = _number(host)
    if "/" in rule:
        return number is not None and _is_in(rule, number)
    name, its_port = _split(rule)
    if its_port is not None and its_port != port:
        return False
    if number is not None:
        return _number(name) == number
    domain = name.removeprefix("*").removeprefix(".")
    return bool(domain) and (host.endswith(f".{domain}") or (host == domain and not name.startswith(".")))


def _is_in(rule: str, number: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    try:
        return number in ipaddress.ip_network(rule, strict=False)
    except ValueError:
        return False


def _split(rule: str) -> tuple[str, int | None]:
    """Return name and port of an entry; a bare IPv6 number has colons, but no port."""
    if _number(rule) is not None:
        return rule, None
    name, colon, port = rule.rpartition(":")
    return (name, int(port)) if colon and port.isascii() and port.isdigit() else (rule, None)


def _number(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None
