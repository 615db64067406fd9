"""gunicorn's master, which also looks after the model host."""

from __future__ import annotations

import gc
import logging
import os
import signal
import tempfile
import time
from pathlib import Path
from typing import Any, NoReturn

from gunicorn.arbiter import Arbiter
from gunicorn.config import Config
from gunicorn.errors import HaltServer

from lading_runtime.schema.datatypes import BrokenSignature
from lading_runtime.schema.signature import Signature, read_signature

# Every module of the application is imported here, in the master, so that all workers share it.
from lading_runtime.server.app import Application, create_app
from lading_runtime.server.certificate import warn_if_expired
from lading_runtime.server.control import Recycling
from lading_runtime.server.host import ModelHost
from lading_runtime.server.instruments import InstrumentCase
from lading_runtime.server.ledger import MAX_WORKERS
from lading_runtime.server.logs import logger_class
from lading_runtime.server.model import ServedModel
from lading_runtime.server.pool import Pool
from lading_runtime.server.probes import Drain
from lading_runtime.server.readiness import Readiness
from lading_runtime.server.reload import Candidate, Reload
from lading_runtime.server.settings import BadSetting, Settings
from lading_runtime.server.vigil import Vigil
from lading_runtime.server.worker import DrainingApplication, Worker

logger = logging.getLogger(__name__)

LOAD_FAILED_EXIT_CODE = 3
"""What the server ends with when the model cannot be loaded."""

KEEP_ALIVE_S = 75
"""Longer than the 60 s for which the usual proxies keep idle connections, so that they close first."""

SHARED_MEMORY = "/dev/shm"  # noqa: S108 - gunicorn makes an unlinked file of its own there
FIRST_RESTART_S = 0.0
LAST_RESTART_S = 30.0

OURS = frozenset(
    {"args", "config", "worker_class", "preload_app", "daemon", "reload", "chdir", "user", "group"}
    | {"logger_class", "control_socket_disable", "paste", "dirty_apps", "dirty_workers"}
)
"""gunicorn settings that ``GUNICORN_CMD_ARGS`` has no say in, such as the ``-k gevent`` of older images."""


class Server(DrainingApplication):
    """What gunicorn runs: its configuration, and the application of each worker."""

    def __init__(self, settings: Settings, model: ServedModel, host: ModelHost) -> None:
        self.settings = settings
        self.model = model
        self.signature = signature_of(model)
        self.host = host
        self.others: list[Candidate | ModelHost] = []
        """What is neither of the model that new workers serve: they keep nothing of it."""
        self.drain = Drain()
        self.instruments = InstrumentCase(os.environ)
        super().__init__(prog="lading_runtime")
        self.readiness = Readiness(self.cfg.workers)

    def do_load_config(self) -> None:
        """Configure gunicorn; unlike the original, leave errors to the caller.

        Raises:
            BadSetting: ``GUNICORN_CMD_ARGS`` cannot be used.
        """
        self.load_default_config()
        self.load_config()

    def load_config(self) -> None:
        """Set our defaults, then what ``GUNICORN_CMD_ARGS`` says."""
        for name, value in defaults(self.settings).items():
            if name in self.cfg.settings:  # older gunicorns have no control socket
                self.cfg.set(name, value)
        self.cfg.set("post_fork", lambda _, worker: self.readiness.join(worker.age))
        self.cfg.set("child_exit", lambda _, worker: self.readiness.leave(worker.age))
        self.cfg.set("pre_fork", self._expect)
        self.cfg.set("on_exit", lambda _: _be_left_alone())
        for name, value in command_line(self.cfg).items():
            self._override(name, value)
        self._check()

    def _check(self) -> None:
        """Find what gunicorn itself would stumble over later, or not at all."""
        if self.cfg.workers == 0:  # it would listen, and nobody would answer
            raise BadSetting("GUNICORN_CMD_ARGS", "workers: expected at least one")
        if self.cfg.workers > MAX_WORKERS:
            raise BadSetting("GUNICORN_CMD_ARGS", f"workers: expected {MAX_WORKERS} at most")
        try:
            _ = self.cfg.address
        except RuntimeError as error:
            raise BadSetting("GUNICORN_CMD_ARGS", f"bind: {error}") from error

    def _expect(self, master: Arbiter, worker: Worker) -> None:
        self.instruments.expect(worker.age, {other.age for other in master.WORKERS.values()})

    def _override(self, name: str, value: object) -> None:
        try:
            self.cfg.set(name, value)
        except (ValueError, TypeError) as error:
            raise BadSetting("GUNICORN_CMD_ARGS", f"{name}: {error}") from error

    def load(self) -> Application:  # type: ignore[override]  # for our own worker
        """Return the application; called in each worker."""
        for other in self.others:
            other.forget()
        recycling = Recycling(
            self.cfg.max_requests, self.cfg.max_requests_jitter, self.settings.model_max_rss_bytes
        )
        control = self.host.worker_control(self.readiness, recycling)
        pool = Pool(control, self.settings.stream_close_s, Vigil(self.settings.busy_poll_us / 1e6))
        instruments = self.instruments.take()
        return create_app(self.model, self.signature, self.settings, pool, self.drain, instruments)

    def switch(self, candidate: Candidate) -> ModelHost:
        """Have new workers serve another model; return the host of the one before.

        Raises:
            BadSetting: its signature cannot be read.
        """
        self.signature = signature_of(candidate.model)
        before, self.host, self.model = self.host, candidate.host, candidate.model
        return before

    def run(self) -> None:
        """Serve; returns by `SystemExit`, in the master as in each worker."""
        gc.freeze()
        gc.enable()
        master = Master(self, self.host)  # from here on, there is a log
        self.look_at_certificate()
        master.run()

    def look_at_certificate(self) -> None:
        """Warn of a certificate that nobody will accept."""
        if self.cfg.certfile and self.cfg.keyfile:
            warn_if_expired(Path(self.cfg.certfile), Path(self.cfg.keyfile))


def signature_of(model: ServedModel) -> Signature | None:
    """Return the signature of *model*.

    Raises:
        BadSetting: it cannot be read.
    """
    try:
        return read_signature(model.mlmodel)
    except BrokenSignature as error:
        raise BadSetting("LADING_MODEL", f"signature in {str(model.folder)!r}: {error}") from error


def defaults(settings: Settings) -> dict[str, Any]:
    """Return gunicorn's settings where ``GUNICORN_CMD_ARGS`` says nothing else."""
    return {
        "bind": settings.bind,
        "workers": settings.workers,
        "worker_class": Worker,
        "logger_class": logger_class(settings.log_format),
        "loglevel": settings.log_level,
        "certfile": _text(settings.exposure.tls_cert_file),
        "keyfile": _text(settings.exposure.tls_key_file),
        "graceful_timeout": settings.graceful_timeout_s,
        "keepalive": KEEP_ALIVE_S,
        # For heartbeats: memory, where it can be written, so that no slow disk makes a worker look dead.
        "worker_tmp_dir": SHARED_MEMORY if os.access(SHARED_MEMORY, os.W_OK) else tempfile.gettempdir(),
        "control_socket_disable": True,
        "proc_name": "lading",
    }


def _be_left_alone() -> None:
    """Ignore all that can still be asked: while Python ends, a second SIGTERM would be the exit code."""
    for number in Arbiter.SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


def command_line(cfg: Config) -> dict[str, Any]:
    """Return the settings in ``GUNICORN_CMD_ARGS``.

    Raises:
        BadSetting: they cannot be read.
    """
    parser = cfg.parser()

    def refuse(message: str) -> NoReturn:
        raise BadSetting("GUNICORN_CMD_ARGS", message)

    parser.error = refuse  # type: ignore[method-assign]  # argparse's own prints the whole usage
    try:
        found = vars(parser.parse_args(cfg.get_cmd_args_from_env()))
    except ValueError as error:  # quotes that do not close
        raise BadSetting("GUNICORN_CMD_ARGS", str(error)) from error
    return {name: value for name, value in found.items() if value is not None and name not in OURS}


class Master(Arbiter):
    """Starts, watches and ends the workers, and with them the model host."""

    def __init__(self, app: Server, host: ModelHost) -> None:
        self._host = host
        self._was_ready = False
        self._failure: dict[str, Any] | None = None
        self._halt_at = float("inf")
        self._restart_at: float | None = None
        self._restart_s = FIRST_RESTART_S
        self._grace_s = app.settings.load_failure_grace_s
        self._server = app
        self._reload: Reload | None = None
        self._is_changed_again = False
        super().__init__(app)

    def handle_int(self) -> NoReturn:
        """Drain on SIGINT as on SIGTERM; gunicorn's own drops what is under way."""
        raise StopIteration

    def handle_hup(self) -> None:
        """Load the model anew; gunicorn's own would drop what its workers have, and keep the model."""
        if self._reload is not None:
            logger.info("the model is being reloaded; again after that")
            self._is_changed_again = True
            return
        self._server.look_at_certificate()  # new workers read it anew
        try:
            self._reload = Reload(self, self._server)
        except BadSetting as error:
            logger.error("model not reloaded", extra={"reason": str(error)})  # noqa: TRY400 - no frames

    def pids(self) -> frozenset[int]:
        """Return the workers."""
        return frozenset(self.WORKERS)

    def serve_from(self, host: ModelHost) -> None:
        """Look after another model host from now on."""
        self._host = host

    def kill_worker(self, pid: int, sig: int) -> None:
        """Send a signal to a worker, unless it is about to end anyway and that is all that is asked of it."""
        if self._reload is None or sig != signal.SIGTERM or pid not in self._reload.retired:
            super().kill_worker(pid, sig)

    def handle_usr2(self) -> None:
        """Refuse to be replaced by a new master: it would load the model a second time."""
        logger.warning("SIGUSR2 ignored: start a second server instead")

    def reap_workers(self) -> None:
        """Notice children that ended: the model host first, because gunicorn's own takes every status."""
        self._host.poll()
        super().reap_workers()

    def manage_workers(self) -> None:
        """Keep the workers and the model host running; called at least once a second."""
        if self._reload is not None and self._reload.is_over():
            self._reload = None
            if self._is_changed_again:
                self._is_changed_again = False
                self.handle_hup()
        super().manage_workers()
        for report in self._host.reports():
            if report.is_ready:
                self._model_is_ready(report.load_s)
            else:
                self._model_failed(report.reason, error=None)
        how = self._host.poll()
        if how is not None:
            self._host_ended(how)
        if time.monotonic() >= self._halt_at:
            raise HaltServer("the model could not be loaded", LOAD_FAILED_EXIT_CODE)

    def _model_is_ready(self, load_s: float | None) -> None:
        if not self._was_ready:
            logger.info("model ready", extra={} if load_s is None else {"load_s": load_s})
        self._was_ready = True
        self._restart_s = FIRST_RESTART_S

    def _model_failed(self, reason: str, error: dict[str, Any] | None) -> None:
        """Say why, once, and give whoever asks ``/health`` or ``/ping`` some time to hear it too."""
        if self._was_ready or self._halt_at < float("inf"):
            return
        logger.error("model not loaded", extra={"reason": reason, "exit_in_s": self._grace_s})
        self._failure = error
        self._halt_at = time.monotonic() + self._grace_s

    def _host_ended(self, how: str) -> None:
        if not self._was_ready:
            reason = f"the model host ended while it loaded the model ({how})"
            self._model_failed(reason, {"source": "load", "type": "ModelHostLost", "message": reason})
            if self._failure is not None:
                self._host.refuse(self._failure)
        elif self._restart_at is None:
            logger.error("model host ended", extra={"how": how, "restart_in_s": self._restart_s})
            self._restart_at = time.monotonic() + self._restart_s
            self._restart_s = min(LAST_RESTART_S, self._restart_s * 2 + 1)
        if self._restart_at is not None and time.monotonic() >= self._restart_at:
            self._restart_at = None
            self._host.start()
