"""Spans, as a collector on loopback gets them from OpenTelemetry's own exporter."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.contracts.process.conftest import PATIENCE_S

TRACE_ID, PARENT_ID = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


class Collector:
    """Takes what an exporter sends with OTLP over HTTP."""

    def __init__(self) -> None:
        self.requests: list[ExportTraceServiceRequest] = []
        self.headers: list[dict[str, str]] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            """Answers one connection."""

            def do_POST(self) -> None:
                """Take spans."""
                body = self.rfile.read(int(self.headers["content-length"]))
                collector.headers.append({name.lower(): text for name, text in self.headers.items()})
                collector.requests.append(ExportTraceServiceRequest.FromString(body))
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def spans(self):
        """Return all spans that have come."""
        return [
            span
            for request in list(self.requests)
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def named(self, name):
        """Return the spans with a name."""
        return [span for span in self.spans() if span.name == name]


@pytest.fixture
def collector() -> Iterator[Collector]:
    """Return a collector that listens."""
    made = Collector()
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


def attributes(span):
    """Return the attributes of a span."""
    return {entry.key: getattr(entry.value, entry.value.WhichOneof("value")) for entry in span.attributes}


def test_a_request_is_a_span_with_its_stages(start, collector):
    """A scoring request continues the client's trace, and the times of its stages are spans below its own."""
    said = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_SERVICE_NAME": "iris"}
    server = start(**said, OTEL_EXPORTER_OTLP_HEADERS="x-tenant=blue").until_ready()

    answer = httpx.post(
        server.url + "/invocations?key=secret",
        json={"prompt": "echo payload-secret"},
        headers={"traceparent": f"00-{TRACE_ID}-{PARENT_ID}-01"},
        timeout=PATIENCE_S,
    )
    assert server.stop() == 0

    (span,) = collector.named("POST /invocations")
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE_ID, PARENT_ID)
    assert answer.headers["traceparent"] == f"00-{TRACE_ID}-{span.span_id.hex()}-01"
    assert attributes(span)["http.response.status_code"] == 200
    assert attributes(span)["url.path"] == "/invocations"
    stages = [other for other in collector.spans() if other.parent_span_id == span.span_id]
    assert {stage.name for stage in stages} == {"decode", "queue", "model", "encode"}
    slack_ns = 10_000_000_000  # two clocks are read, and the machine may do something else in between
    for stage in stages:
        assert span.start_time_unix_nano - slack_ns <= stage.start_time_unix_nano
        assert stage.start_time_unix_nano <= stage.end_time_unix_nano <= span.end_time_unix_nano + slack_ns
    assert all(headers["x-tenant"] == "blue" for headers in collector.headers)
    assert not any(b"secret" in request.SerializeToString() for request in collector.requests)
    resources = [
        entry for request in collector.requests for entry in request.resource_spans[0].resource.attributes
    ]
    assert "iris" in {entry.value.string_value for entry in resources if entry.key == "service.name"}


def test_a_client_that_does_not_sample_is_heeded(start, collector):
    """A trace whose flags say that it is not recorded is carried on, and not exported."""
    server = start(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url).until_ready()

    unsampled = {"traceparent": f"00-{TRACE_ID}-{PARENT_ID}-00"}
    answer = httpx.get(server.url + "/version", headers=unsampled, timeout=PATIENCE_S)
    assert server.stop() == 0

    assert answer.headers["traceparent"].startswith(f"00-{TRACE_ID}-")
    assert not collector.named("GET /version")


@pytest.mark.parametrize(("state", "kept"), [("blue=1,red@sys=x y", "blue=1,red@sys=x y"), ("Secret=1", "")])
def test_what_others_say_of_the_trace_is_handed_on(start, collector, state, kept):
    """A valid tracestate is that of the spans; an invalid one is left out, and not repeated in the log."""
    server = start(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url).until_ready()

    headers = {"traceparent": f"00-{TRACE_ID}-{PARENT_ID}-01", "tracestate": state}
    answer = httpx.get(server.url + "/version", headers=headers, timeout=PATIENCE_S)
    assert server.stop() == 0

    (span,) = collector.named("GET /version")
    assert answer.status_code == 200
    assert span.trace_state == kept
    assert "Secret" not in server.log


def test_a_collector_that_is_gone_costs_no_request(start):
    """Where nobody takes the spans, requests are answered, and the server ends within its grace."""
    server = start(OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9").until_ready()

    assert server.ask("echo hello").json() == "hello"
    assert server.stop() == 0


def test_another_protocol_ends_the_start(start):
    """A protocol that this server's exporter does not speak is refused by name."""
    server = start(OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9", OTEL_EXPORTER_OTLP_PROTOCOL="grpc")

    assert server.process.wait(PATIENCE_S) == 2
    assert "OTEL_EXPORTER_OTLP_PROTOCOL" in server.log
