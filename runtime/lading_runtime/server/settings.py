"""What the environment asks the server to be; read once, at the start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, TypeVar

from lading_runtime.server.cgroup import Limits
from lading_runtime.server.exposure import Exposure
from lading_runtime.server.hosting import Hosting
from lading_runtime.server.ledger import MAX_WORKERS
from lading_runtime.server.setting_values import (
    boolean,
    count,
    folder,
    milliseconds_as_s,
    one_of,
    positive_seconds,
    program,
    seconds,
    size_bytes,
)
from lading_runtime.server.threads import thread_variables

T = TypeVar("T")

DEFAULT_PORT = 8080
PORTS = ("PORT", "AIP_HTTP_PORT", "SAGEMAKER_BIND_TO_PORT")
"""Ours, Vertex AI's and SageMaker's; the first that is there counts."""

BUSY_POLL_US = 300
"""More than a model process waits where one client asks for one small prediction after the other; less than
where many do, who keep the server busy: it would not answer sooner then."""

MAX_BUSY_POLL_US = 100_000
"""To sleep and to be woken up takes a thousandth of that."""

LOG_FORMATS = ("text", "json")
LOG_LEVELS = ("debug", "info", "warning", "error", "critical")
BATCHING = ("auto", "on", "off")


class BadSetting(Exception):
    """A setting has a value that cannot be used; the text names the setting."""

    def __init__(self, name: str, what: str) -> None:
        super().__init__(f"{name}: {what}")


@dataclass(frozen=True)
class Settings:
    """How to serve. Make it with `read`, which validates; the constructor does not."""

    model: Path
    """The model folder (``LADING_MODEL``)."""

    model_python: Path
    """The interpreter of the captured environment (``LADING_MODEL_PYTHON``)."""

    bind: str
    """``host:port`` (``LADING_HOST``; one of `PORTS`)."""

    workers: int
    """Pairs of HTTP worker and model process (``MLFLOW_MODELS_WORKERS``)."""

    model_variables: Mapping[str, str]
    """What the model's processes find in their environment, beside what this one has."""

    busy_poll_us: int
    """For how long a model process looks for the next request, and twice as long its worker for what comes
    next, before they sleep; only while it usually comes by then. 0: not at all (``LADING_BUSY_POLL_US``)."""

    request_timeout_s: float
    """From a request's arrival to its answer (``MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT``).

    Of a streamed answer, to its first part, from there to the next one, and for the client to take it.
    """

    model_max_rss_bytes: int
    """A model process larger than that is replaced, between requests; 0: never (``LADING_MODEL_MAX_RSS``)."""

    stream_close_s: float
    """How long a stream may take to end after its client has left (``LADING_STREAM_CLOSE_S``)."""

    batching: str
    """One of `BATCHING` (``LADING_BATCHING``): "auto" only where the model has shown that it is safe."""

    batch_max_rows: int
    """Of what the model is given at once; larger requests are cut (``LADING_BATCH_MAX_ROWS``)."""

    batch_max_delay_s: float
    """How long a request waits for others while the model is idle (``LADING_BATCH_MAX_DELAY_MS``)."""

    queue_max_rows: int
    """That wait for a model process, and are in it (``LADING_QUEUE_MAX_ROWS``)."""

    queue_max_bytes: int
    """The same in bytes (``LADING_QUEUE_MAX_BYTES``)."""

    max_connections: int
    """Of a worker (``LADING_MAX_CONNECTIONS``)."""

    client_timeout_s: float
    """How long a client may take to send the head of a request, or to take some more of an answer.

    For a body, it may take a second longer for each `body.MIN_BYTES_PER_S` bytes of it.
    ``LADING_CLIENT_TIMEOUT_S``.
    """

    max_body_bytes: int
    """Of a request, also once it is unpacked (``LADING_MAX_BODY_BYTES``).

    The default is the limit of the nginx in MLflow's own images.
    """

    has_stack_traces: bool
    """Whether errors of the model show its frames to the client (``LADING_STACK_TRACES``)."""

    has_page: bool
    """Whether people are shown the model at ``/``, and the API at ``/docs`` (``LADING_PAGE``)."""

    agent_name: str
    """How ``/agent/info`` calls an agent (``DATABRICKS_APP_NAME``, as in MLflow's agent server)."""

    log_format: str
    """One of `LOG_FORMATS` (``LADING_LOG_FORMAT``)."""

    log_level: str
    """One of `LOG_LEVELS`; requests are logged at "info" (``LADING_LOG_LEVEL``)."""

    exposure: Exposure
    """Who may talk to the server, and how."""

    load_failure_grace_s: float
    """How long the reason can be asked for after a failed load (``LADING_LOAD_FAILURE_GRACE_S``)."""

    drain_delay_s: float
    """From SIGTERM to the end of listening (``LADING_DRAIN_DELAY_S``).

    Meanwhile readiness is denied and everything is answered, so that balancers can turn away.
    """

    hosting: Hosting
    """The model's name, and the paths that a hosting platform calls."""

    @property
    def graceful_timeout_s(self) -> int:
        """How long a drain may take: everything that was accepted meets its deadline in that time.

        All but streams: what still flows then is cut off.
        """
        return max(30, int(self.drain_delay_s + self.request_timeout_s) + 5)

    @classmethod
    def read(cls, environ: Mapping[str, str], limits: Limits) -> Settings:
        """Return the settings that *environ* holds; empty values count as absent.

        Raises:
            BadSetting: a value cannot be used.
        """
        read = _Reader(environ)
        workers = read("MLFLOW_MODELS_WORKERS", _workers, str(min(limits.pairs, MAX_WORKERS)))
        timeout_s = read("MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT", positive_seconds, "60")
        return cls(
            model=read("LADING_MODEL", folder, "/opt/ml/model"),
            model_python=read("LADING_MODEL_PYTHON", program, "/opt/env/bin/python"),
            bind=_bind(read("LADING_HOST", str, "0.0.0.0"), _port(read)),  # noqa: S104 - a container's
            workers=workers,
            model_variables=thread_variables(environ, limits.cpus, workers),
            busy_poll_us=read("LADING_BUSY_POLL_US", _busy_poll, _usual_busy_poll(limits.cpus, workers)),
            request_timeout_s=timeout_s,
            model_max_rss_bytes=read("LADING_MODEL_MAX_RSS", size_bytes, "0"),
            stream_close_s=read("LADING_STREAM_CLOSE_S", seconds, "5"),
            batching=read("LADING_BATCHING", one_of(BATCHING), "auto"),
            batch_max_rows=read("LADING_BATCH_MAX_ROWS", count, "1024"),
            batch_max_delay_s=read("LADING_BATCH_MAX_DELAY_MS", _below(timeout_s), "0"),
            queue_max_rows=read("LADING_QUEUE_MAX_ROWS", count, str(1 << 16)),
            queue_max_bytes=read("LADING_QUEUE_MAX_BYTES", count, str(256 << 20)),
            max_connections=read("LADING_MAX_CONNECTIONS", count, "4096"),
            client_timeout_s=read("LADING_CLIENT_TIMEOUT_S", positive_seconds, "20"),
            max_body_bytes=read("LADING_MAX_BODY_BYTES", count, str(100 << 20)),
            has_stack_traces=read("LADING_STACK_TRACES", boolean, "on"),
            has_page=read("LADING_PAGE", boolean, "on"),
            agent_name=read("DATABRICKS_APP_NAME", str, "mlflow_agent_server"),
            log_format=read("LADING_LOG_FORMAT", one_of(LOG_FORMATS), "text"),
            log_level=read("LADING_LOG_LEVEL", one_of(LOG_LEVELS), "info"),
            exposure=Exposure.read(read),
            load_failure_grace_s=read("LADING_LOAD_FAILURE_GRACE_S", seconds, "5"),
            drain_delay_s=read("LADING_DRAIN_DELAY_S", seconds, "1"),
            hosting=Hosting.read(read),
        )


class _Reader:
    """Reads one variable at a time, and says which one was wrong."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def __call__(self, name: str, parse: Callable[[str], T], default: str) -> T:
        text = self._environ.get(name) or default
        try:
            return parse(text)
        except ValueError as error:
            raise BadSetting(name, f"{error}, not {text!r}") from error

    def __contains__(self, name: str) -> bool:
        return bool(self._environ.get(name))


def _port(read: _Reader) -> int:
    name = next((name for name in PORTS if name in read), PORTS[0])
    return read(name, _port_number, str(DEFAULT_PORT))


def _bind(host: str, port: int) -> str:
    is_bare_ipv6 = ":" in host and not host.startswith("[")
    return f"[{host}]:{port}" if is_bare_ipv6 else f"{host}:{port}"


def _port_number(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:  # noqa: PLR2004 - 2^16 - 1, the last port
        raise ValueError("expected a port number")
    return int(text)


def _workers(text: str) -> int:
    workers = count(text)
    if workers > MAX_WORKERS:
        raise ValueError(f"expected {MAX_WORKERS} at most")
    return workers


def _usual_busy_poll(cpus: float, workers: int) -> str:
    """Return how long to look, where both processes of each pair can do so at once.

    With less, looking uses up the cgroup's quota: then nobody runs for tens of milliseconds.
    """
    return str(BUSY_POLL_US if cpus >= 2 * workers else 0)


def _busy_poll(text: str) -> int:
    if not text.isdecimal() or int(text) > MAX_BUSY_POLL_US:
        raise ValueError(f"expected a number of microseconds, {MAX_BUSY_POLL_US} at most")
    return int(text)


def _below(timeout_s: float) -> Callable[[str], float]:
    """Return what reads a delay in milliseconds after which a request can still be answered in time."""

    def read(text: str) -> float:
        delay_s = milliseconds_as_s(text)
        if delay_s >= timeout_s:
            raise ValueError("expected less than MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT")
        return delay_s

    return read
