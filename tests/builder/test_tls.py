"""Whom Lading trusts."""

import httpx
from lading.tls import tls_context


def test_without_variables_the_systems_store_decides():
    """Where no variable names a CA, the system's own store of certificates decides."""
    assert type(tls_context({})).__module__.startswith("truststore")
    with httpx.Client(verify=tls_context({})):
        pass
