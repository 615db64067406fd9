"""Requests as OpenTelemetry's SDK hands them over: imported only where it is installed and wanted.

Names of attributes are those of the semantic conventions for HTTP servers
(https://opentelemetry.io/docs/specs/semconv/http/http-spans/). Sampling, batching, headers and everything
else is the SDK's, as ``OTEL_*`` say. No header, no query and no payload is among the attributes.
"""

from __future__ import annotations

import time

from opentelemetry import trace as otel
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
)
from opentelemetry.trace.span import Span as OpenTelemetrySpan
from starlette.types import Scope

from lading_runtime import __version__
from lading_runtime.server.correlation import Correlation, Trace
from lading_runtime.server.exchange import CLIENT_CLOSED_REQUEST, Exchange
from lading_runtime.server.tracestate import read_tracestate
from lading_runtime.server.tracing import nanoseconds_at

DEFAULT_SERVICE = "lading"
SERVER_ERRORS = range(500, 600)
MAX_PATH_CHARACTERS = 1024


class SpanMaker:
    """Makes a worker's spans; a thread of the SDK hands them over in the background."""

    def __init__(self) -> None:
        resource = Resource.create()
        if str(resource.attributes.get(SERVICE_NAME, "")).startswith("unknown_service"):
            resource = resource.merge(Resource({SERVICE_NAME: DEFAULT_SERVICE}))
        # No handler of its own at exit: the worker's end calls `close`.
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("lading_runtime", __version__)

    def begin(self, scope: Scope, correlation: Correlation) -> RequestSpan:
        """Begin the span of a request, below the client's if it has one."""
        method = scope["method"]
        attributes = {
            "http.request.method": method,
            "url.scheme": scope.get("scheme", "http"),
            "url.path": scope["path"][:MAX_PATH_CHARACTERS],
            "network.protocol.version": scope.get("http_version", "1.1"),
            "lading.request_id": correlation.request_id,
        }
        state = TraceState(read_tracestate(scope["headers"]))
        parent = None if correlation.trace is None else _parent(correlation.trace, state)
        span = self._tracer.start_span(method, parent, SpanKind.SERVER, attributes)
        return RequestSpan(self._tracer, span, method)

    def close(self) -> None:
        """Hand over what is still held, within the SDK's time limit."""
        self._provider.shutdown()


class RequestSpan:
    """The span of a request under way."""

    def __init__(self, tracer: otel.Tracer, span: OpenTelemetrySpan, method: str) -> None:
        self._tracer = tracer
        self._span = span
        self._method = method

    @property
    def trace(self) -> Trace:
        """Where in the trace it stands."""
        context = self._span.get_span_context()
        ids = otel.format_trace_id(context.trace_id), otel.format_span_id(context.span_id)
        return Trace(*ids, f"{context.trace_flags:02x}")

    def end(self, exchange: Exchange) -> None:
        """Say how it went, and where the time went."""
        span = self._span
        if span.is_recording():
            span.update_name(f"{self._method} {exchange.route}")
            span.set_attribute("http.route", exchange.route)
            span.set_attribute("http.response.status_code", exchange.status)
            span.set_attribute("http.response.body.size", exchange.sent_bytes)
            if exchange.received_bytes is not None:
                span.set_attribute("http.request.body.size", exchange.received_bytes)
            if exchange.error is not None:
                span.set_attribute("error.type", exchange.error)
            if exchange.status in SERVER_ERRORS or exchange.status == CLIENT_CLOSED_REQUEST:
                span.set_status(Status(StatusCode.ERROR))
            self._add_stages(exchange)
        span.end(time.time_ns())

    def _add_stages(self, exchange: Exchange) -> None:
        """Add a span for each stage, from the times at which reading ended and writing did."""
        if exchange.decoded_at is not None and exchange.decode_s is not None:
            at = exchange.decoded_at
            self._add("decode", at - exchange.decode_s, at)
            if exchange.queue_s is not None and exchange.model_s is not None and exchange.chunks is None:
                sent_at = at + exchange.queue_s
                self._add("queue", at, sent_at)
                self._add("model", sent_at, sent_at + exchange.model_s)
        if exchange.encoded_at is not None and exchange.encode_s is not None and exchange.chunks is None:
            self._add("encode", exchange.encoded_at - exchange.encode_s, exchange.encoded_at)

    def _add(self, name: str, began: float, ended: float) -> None:
        within = otel.set_span_in_context(self._span, Context())
        stage = self._tracer.start_span(name, within, start_time=nanoseconds_at(began))
        stage.end(nanoseconds_at(ended))


def _parent(trace: Trace, state: TraceState) -> Context:
    ids, flags = (int(trace.trace_id, 16), int(trace.span_id, 16)), TraceFlags(int(trace.flags, 16))
    context = SpanContext(*ids, is_remote=True, trace_flags=flags, trace_state=state)
    return otel.set_span_in_context(NonRecordingSpan(context), Context())
