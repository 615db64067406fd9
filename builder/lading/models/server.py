"""A tracking server at the other end of HTTP: requests, patience, and what its refusals mean.

Nothing here knows what is asked; ``rest.py`` and ``artifacts.py`` do.
"""

import logging
import random
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import count
from typing import Any, Self

import httpx
import truststore

from lading.errors import TrackingServerError
from lading.models.address import scrubbed, shown
from lading.models.tracking import Tls, TrackingSettings

_LATER = {408, 429, 500, 502, 503, 504}
"""Answers after which MLflow's own client asks again."""

_MAX_WAIT_S = 30.0
_TRIES_WITHOUT_ANSWER = 3
_SHOWN_CHARACTERS = 200

logger = logging.getLogger(__name__)


class Refusal(Exception):
    """The server understood, and says no: an MLflow error with its code."""

    def __init__(self, status: int, content: Mapping[str, Any]) -> None:
        said = scrubbed(str(content.get("message", "")))[:_SHOWN_CHARACTERS]
        super().__init__(f"{status} {content.get('error_code')}: {said}")
        self.status = status
        self.code = str(content.get("error_code"))
        self.content = content

    @property
    def is_missing(self) -> bool:
        """Whether what was asked for does not exist, or this server is too old to know such things."""
        missing = {"RESOURCE_DOES_NOT_EXIST", "ENDPOINT_NOT_FOUND"}
        return self.code in missing or self.status == HTTPStatus.NOT_FOUND


@dataclass(frozen=True, slots=True)
class TrackingServer:
    """One server, by its base URL; used by several threads at once."""

    url: str
    client: httpx.Client = field(repr=False)
    settings: TrackingSettings

    role: str = "tracking server"
    """What errors call it."""

    @classmethod
    def connect(cls, url: str, settings: TrackingSettings) -> Self:
        """Return the server at *url*; nothing is asked yet. Whoever connects closes ``client``."""
        _check_address(url)
        credentials = settings.credentials
        client = _client(settings.tls, settings)
        if credentials.username and credentials.password:
            client.auth = httpx.BasicAuth(credentials.username, credentials.password)
        elif credentials.token:
            client.headers["Authorization"] = f"Bearer {credentials.token}"
        if settings.workspace:
            client.headers["X-MLFLOW-WORKSPACE"] = settings.workspace
        return cls(url.rstrip("/"), client, settings)

    @classmethod
    def storage(cls, url: str, settings: TrackingSettings) -> Self:
        """Return the storage behind a URL that carries its own permission: it gets no credentials."""
        _check_address(url)
        client = _client(Tls(is_verified=settings.is_s3_tls_verified), settings)
        return cls(url, client, settings, role="artifact storage")

    def get(self, path: str, /, **parameters: str) -> Mapping[str, Any]:
        """Return the JSON object at *path*.

        Raises:
            Refusal: an MLflow error.
            TrackingServerError: anything else that is no answer.
        """
        return self._answer(self.client.build_request("GET", self.url + path, params=parameters))

    def post(self, path: str, content: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return what the server answers to a JSON object, as ``get`` does."""
        return self._answer(self.client.build_request("POST", self.url + path, json=dict(content)))

    @contextmanager
    def open(self, url: str, headers: Mapping[str, str] | None = None) -> Iterator[httpx.Response]:
        """Give the response at *url*, its bytes not read yet. Raises as ``get`` does."""
        response = self._sent(self.client.build_request("GET", url, headers=dict(headers or {})))
        try:
            self._check(response)
            yield response
        finally:
            response.close()

    def _answer(self, request: httpx.Request) -> Mapping[str, Any]:
        response = self._sent(request)
        try:
            self._check(response)
            content = response.json() if response.read().strip() else {}
        except ValueError as error:
            raise self._nonsense(response) from error
        except httpx.TransportError as error:
            raise self._unreachable(error) from error
        finally:
            response.close()
        if not isinstance(content, dict):
            raise self._nonsense(response)
        return content

    def _sent(self, request: httpx.Request) -> httpx.Response:
        """Return the response to *request*, asked for again while the server says "later"."""
        tries_without_answer = min(_TRIES_WITHOUT_ANSWER, self.settings.patience.max_retries + 1)
        for attempt in count():
            try:
                response = self.client.send(request, stream=True)
            except httpx.HTTPError as error:
                if attempt + 1 >= tries_without_answer or is_tls_failure(error):
                    raise self._unreachable(error) from error
                self._wait(attempt, None)
                continue
            if response.status_code not in _LATER or attempt >= self.settings.patience.max_retries:
                return response
            response.close()
            self._wait(attempt, response.headers.get("Retry-After"))
        raise AssertionError("count() does not end")

    def _wait(self, attempt: int, retry_after: str | None) -> None:
        wait_s = self.settings.patience.backoff_s * 2**attempt * random.uniform(0.8, 1.2)  # noqa: S311 - spreads load, keeps no secret
        if retry_after and retry_after.isascii() and retry_after.isdigit():
            wait_s = float(retry_after)
        logger.debug("asking again", extra={"url": shown(self.url), "attempt": attempt + 1})
        time.sleep(min(wait_s, _MAX_WAIT_S))

    def _check(self, response: httpx.Response) -> None:
        """Raise what a response that is no success means."""
        status = response.status_code
        if response.is_success:
            return
        content = _error(response)
        if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN} and not content.get(
            "artifacts_presigned_only"
        ):
            raise TrackingServerError(
                f"{self.role} {shown(self.url)} refuses access ({status})", hint=self._access_hint(status)
            )
        if "error_code" in content:
            raise Refusal(status, content)
        is_ours = status < HTTPStatus.INTERNAL_SERVER_ERROR
        raise TrackingServerError(
            f"{shown(str(response.url))} answers {status} {response.reason_phrase}".rstrip(),
            hint="is MLFLOW_TRACKING_URI the address of an MLflow server?"
            if is_ours
            else "look into its log",
        )

    def _access_hint(self, status: int) -> str:
        names = "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN"
        if status == HTTPStatus.FORBIDDEN and self.settings.credentials.is_given:
            return f"this user may not read it; check {names}"
        return f"check {names}" if self.settings.credentials.is_given else f"set {names}"

    def _unreachable(self, error: httpx.HTTPError) -> TrackingServerError:
        where = f"{self.role} {shown(self.url)}"
        if is_tls_failure(error):
            return TrackingServerError(
                f"{where} cannot be trusted: {scrubbed(str(_cause(error, ssl.SSLError)))}",
                hint="set MLFLOW_TRACKING_SERVER_CERT_PATH or SSL_CERT_FILE to the certificate of its CA",
            )
        is_late = isinstance(error, httpx.TimeoutException)
        reason = "no answer in time" if is_late else scrubbed(str(error)) or "no answer"
        return TrackingServerError(f"{where} cannot be reached: {reason}", hint="check MLFLOW_TRACKING_URI")

    def _nonsense(self, response: httpx.Response) -> TrackingServerError:
        kind = response.headers.get("Content-Type", "nothing").partition(";")[0]
        return TrackingServerError(
            f"{shown(str(response.url))} answers {kind} where MLflow answers JSON",
            hint="is MLFLOW_TRACKING_URI the address of an MLflow server, or does a proxy answer?",
        )


def _error(response: httpx.Response) -> Mapping[str, Any]:
    """Return the JSON object of an error, empty if it is none."""
    try:
        response.read()
        content = response.json()
    except (ValueError, httpx.TransportError):
        return {}
    return content if isinstance(content, dict) else {}


def is_tls_failure(error: BaseException) -> bool:
    """Return whether a connection failed because a certificate did not satisfy one of the sides."""
    return _cause(error, ssl.SSLError) is not None


def _cause(error: BaseException | None, kind: type[BaseException]) -> BaseException | None:
    while error is not None and not isinstance(error, kind):
        error = error.__cause__ or error.__context__
    return error


def _check_address(url: str) -> None:
    try:
        is_address = bool(httpx.URL(url).host)
    except httpx.InvalidURL:
        is_address = False
    if not is_address:
        raise TrackingServerError(f"{shown(url)} is no server's address", hint="check MLFLOW_TRACKING_URI")


def _client(tls: Tls, settings: TrackingSettings) -> httpx.Client:
    return httpx.Client(
        headers={"Accept-Encoding": "identity"},
        verify=_tls_context(tls),
        timeout=settings.patience.timeout_s,
        follow_redirects=True,
    )


def _tls_context(tls: Tls) -> ssl.SSLContext:
    try:
        context = _verifying_context(tls)
        if tls.client_certificate:
            context.load_cert_chain(tls.client_certificate)
    except OSError as error:  # ssl.SSLError is one: a file that is missing, or holds no certificate
        files = " and ".join(str(file) for file in (tls.certificates, tls.client_certificate) if file)
        raise TrackingServerError(
            f"{files} cannot be used as certificates: {error}",
            hint="check MLFLOW_TRACKING_SERVER_CERT_PATH and MLFLOW_TRACKING_CLIENT_CERT_PATH",
        ) from error
    return context


def _verifying_context(tls: Tls) -> ssl.SSLContext:
    if tls.certificates and tls.certificates.is_dir():
        return ssl.create_default_context(capath=tls.certificates)
    if tls.certificates:
        return ssl.create_default_context(cafile=tls.certificates)
    context: ssl.SSLContext = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if not tls.is_verified:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
