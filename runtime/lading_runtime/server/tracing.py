"""OpenTelemetry spans: a server span per request, and one for each stage of a scoring request.

Off, and not even imported, unless the environment names a collector; then OpenTelemetry's own SDK
reads the rest of ``OTEL_*`` (https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/):
service name, resource attributes, sampler, headers, certificates. It is the extra ``otel``.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Protocol

from starlette.types import Scope

from lading_runtime.server.correlation import Correlation, Trace
from lading_runtime.server.exchange import Exchange
from lading_runtime.server.settings import BadSetting

logger = logging.getLogger(__name__)

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


class Span(Protocol):
    """A request under way."""

    @property
    def trace(self) -> Trace:
        """Where in the trace it stands."""

    def end(self, exchange: Exchange) -> None:
        """Say how it went."""


class Tracer(Protocol):
    """Whoever is told of requests."""

    def begin(self, scope: Scope, correlation: Correlation) -> Span:
        """Begin the span of a request."""

    def close(self) -> None:
        """Hand over what is still held."""


def is_on(environ: Mapping[str, str]) -> bool:
    """Tell whether the environment names a collector of spans, and does not forbid to use it."""
    is_named = any(environ.get(name) for name in ENDPOINTS)
    is_disabled = environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
    return is_named and not is_disabled and environ.get("OTEL_TRACES_EXPORTER", "otlp") == "otlp"


def check(environ: Mapping[str, str]) -> None:
    """Import what `start` needs, once for all workers; return if nothing is needed or all is there.

    Raises:
        BadSetting: a collector is named, and the SDK is not installed or cannot speak to it.
    """
    if not is_on(environ):
        return
    protocol = environ.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or environ.get("OTEL_EXPORTER_OTLP_PROTOCOL")
    if protocol not in {None, "", "http/protobuf"}:
        raise BadSetting("OTEL_EXPORTER_OTLP_PROTOCOL", f"expected http/protobuf, not {protocol!r}")
    try:
        import lading_runtime.server.opentelemetry_spans  # noqa: F401, PLC0415 - an extra
    except ImportError as error:
        name = next(name for name in ENDPOINTS if environ.get(name))
        raise BadSetting(name, f"needs the extra lading-runtime[otel]: {error}") from error


def start(environ: Mapping[str, str]) -> Tracer | None:
    """Return what this worker tells of its requests; None if nobody wants to know."""
    if not is_on(environ):
        return None
    from lading_runtime.server.opentelemetry_spans import SpanMaker  # noqa: PLC0415 - an extra

    return SpanMaker()


def nanoseconds_at(moment: float) -> int:
    """Return when a moment of `time.perf_counter` was, in nanoseconds since 1970."""
    return time.time_ns() - int((time.perf_counter() - moment) * 1e9)
