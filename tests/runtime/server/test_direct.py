"""Which requests are answered past ASGI, and with which headers."""

from types import SimpleNamespace
from typing import Any

import pytest
from lading_runtime.server.api_keys import ApiKeys
from lading_runtime.server.correlation import Correlation, Trace
from lading_runtime.server.direct import Direct, DirectRoute, head_of
from lading_runtime.server.heads import Head
from lading_runtime.server.metrics import Metrics
from lading_runtime.server.observation import Observer
from lading_runtime.server.responses import Response


def direct(*paths, is_streamable=False, keys=None):
    """Return what answers at *paths*."""
    invocations: Any = SimpleNamespace(is_streamable=is_streamable)
    route = DirectRoute("/", invocations)
    return Direct(dict.fromkeys(paths, route), Observer(Metrics()), keys)


def head(url=b"/invocations", *headers):
    """Return the head of a request to *url*."""
    return Head(url, headers, keep_alive=True)


def test_only_known_paths_are_taken():
    """A query, a slash too much or another path is left to ASGI."""
    takes = direct("/invocations").takes

    assert takes(head())
    for url in (b"/invocations/", b"/invocations?x=1", b"/ping", b"*", b""):
        assert not takes(head(url))


@pytest.mark.parametrize("name", ["a b", "a%20b", "\u00e4"])
def test_paths_that_look_different_on_the_wire_are_not_taken(name):
    """How a name is spelled in percent-encoding is for others to read."""
    path = f"/v2/models/{name}/infer"

    assert not direct(path).takes(head(path.encode()))


def test_models_that_may_answer_in_parts_are_left_to_asgi():
    """An answer in parts is no whole."""
    assert not direct("/invocations", is_streamable=True).takes(head())


def test_who_brings_no_key_is_left_to_asgi():
    """Where keys are asked for, only requests with one of them are taken, however it is brought."""
    takes = direct("/invocations", keys=ApiKeys([b"first-key", b"second-key"])).takes

    assert takes(head(b"/invocations", (b"authorization", b"Bearer first-key")))
    assert takes(head(b"/invocations", (b"x-api-key", b"second-key")))
    assert not takes(head())
    for wrong in (b"", b"first-ke", b"first-key ", b"first-key, second-key"):
        assert not takes(head(b"/invocations", (b"x-api-key", wrong)))
    assert not takes(head(b"/invocations", (b"authorization", b"Basic first-key")))
    assert not takes(head(b"/ping", (b"x-api-key", b"first-key")))


def test_an_answer_says_what_it_is_and_whose():
    """Type, length, further headers, the request's id and its trace, in this order."""
    trace = Trace("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", "01")
    response = Response(b"{}", headers=((b"retry-after", b"1"),), status=503)

    assert head_of(response, Correlation("order-17", trace)).splitlines() == [
        b"content-type: application/json",
        b"content-length: 2",
        b"retry-after: 1",
        b"x-request-id: order-17",
        b"traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    ]
