"""One registry: how it is reached, who we are there, and what its answers mean."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from threading import Lock
from urllib.parse import urljoin, urlsplit

from lading.errors import LadingError, RegistryError
from lading.oci.registry.address import Address, is_internal, origin, split_url
from lading.oci.registry.authorizer import Authorizer
from lading.oci.registry.patience import Passing, Patience, retry_after_s
from lading.oci.registry.problems import PASSING, plain, refused
from lading.oci.registry.transport import Answer, Body, Request, Transport
from lading.progress import Progress

_ERROR_BYTES = 1 << 16
_OK, _UNAUTHORIZED, _NOT_FOUND = 200, 401, 404
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MAX_REDIRECTS = 5
_HEADERS = (
    "content-type",
    "docker-content-digest",
    "etag",
    "link",
    "location",
    "oci-chunk-min-length",
    "oci-subject",
    "range",
)
_RENEWALS = 2
_GREETINGS = 3
"""A registry that was never reached is more probably misspelt than overloaded."""


class _Unwelcoming(Passing):
    """Somebody is there, and does not answer as a registry does."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A question to a registry."""

    what: str
    """Is asked for, in errors: ``the blob sha256:…``."""

    method: str
    url: str
    """Absolute, or a path at the registry."""

    repository: str
    scopes: tuple[str, ...]
    """The permissions that it takes, pushes first."""

    expected: frozenset[int]
    """All other statuses are refusals."""

    headers: Mapping[str, str] = field(default_factory=dict)
    body: Body | None = None
    limit_bytes: int = _ERROR_BYTES
    """Of the answer."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that was read."""

    status: int
    url: str
    headers: Mapping[str, str]
    """Names in lower case."""

    data: bytes


@dataclass(slots=True)
class Host:
    """One registry; several threads may use one."""

    address: Address
    transport: Transport
    authorizer: Authorizer
    patience: Patience
    progress: Progress
    is_plain_allowed: bool
    """Whether it may be spoken to without encryption."""

    is_offline: bool = False
    """Whether nothing may be asked."""

    chunk_bytes: int | None = None
    """The size of uploads' parts, once something on the way was found to take no larger requests."""

    _base_url: str = ""
    _warned: set[str] = field(default_factory=set)
    _lock: Lock = field(default_factory=Lock)

    @property
    def base_url(self) -> str:
        """Scheme and host, found out at first use.

        Raises:
            RegistryError: nobody answers there, or no registry does.
        """
        if self.is_offline:
            raise RegistryError(f"{self.address} is not asked while offline", hint="leave out --offline")
        with self._lock:
            if not self._base_url:
                self._base_url = self._found()
            return self._base_url

    def ask(self, ask: Ask, check: Callable[[Reply], None] = lambda _: None) -> Reply:
        """Return the answer to *ask*, asked again while it may become another one.

        Args:
            ask: the question.
            check: raises ``Passing`` for an answer that cannot be right.

        Raises:
            Refused: the registry says no.
            RegistryError: it cannot be reached, or answers nonsense.
            LadingError: what *check* found, in the end.
        """
        tries = self.patience.start()
        while True:
            try:
                reply = self.ask_once(ask)
                check(reply)
            except Passing as failure:
                try:
                    tries.failed(failure)
                except Passing:
                    raise self.gave_up(ask.what, ask.repository, failure) from failure
            else:
                return reply

    def ask_once(self, ask: Ask) -> Reply:
        """Return the answer to *ask*.

        Raises:
            Passing: it may be another one the next time.
            RegistryError: as ``ask`` does.
        """
        with self.open(ask) as answer:
            data = b"" if ask.method == "HEAD" else answer.read(ask.limit_bytes)
            if len(data) > ask.limit_bytes:
                raise RegistryError(f"{self.address} answers far more than {ask.what} can be")
            headers = {name: value for name in _HEADERS if (value := answer.header(name)) is not None}
            return Reply(answer.status, answer.url, headers, data)

    @contextmanager
    def open(self, ask: Ask) -> Iterator[Answer]:
        """Give the answer to *ask*, its body not read yet. Raises as ``ask_once`` does."""
        url = urljoin(self.base_url, ask.url)
        for _ in range(_RENEWALS):
            sent = self._authorization(ask, url)
            with self._followed(ask, url, sent) as answer:
                if answer.status != _UNAUTHORIZED or not self._is_ours(answer.url):
                    yield self._checked(ask, answer)
                    return
                challenges = answer.headers("WWW-Authenticate")
                if not self.authorizer.renew(ask.repository, challenges, self.base_url, sent):
                    yield self._checked(ask, answer)
                    return
        with self._followed(ask, url, self._authorization(ask, url)) as answer:
            yield self._checked(ask, answer)

    def resolve(self, base: str, location: str, what: str) -> str:
        """Return the URL that an answer's ``Location`` names.

        Raises:
            RegistryError: it leads where a registry must not send anybody.
        """
        url, own = split_url(location, base), urlsplit(self.base_url)
        if url.scheme == "http" and own.scheme == "https" and url.hostname == own.hostname:
            # behind a proxy that ends TLS, many registries do not know that they are encrypted
            url = url._replace(scheme="https", netloc=own.netloc)
        if url.scheme not in {"https", "http"} or (url.scheme == "http" and own.scheme == "https"):
            raise RegistryError(f"{self.address} sends us to an unencrypted place for {what}: {url.netloc}")
        if is_internal(url.hostname or "") and not is_internal(own.hostname or ""):
            raise RegistryError(f"{self.address} sends us into an inner network for {what}: {url.netloc}")
        return url.geturl()

    def gave_up(self, what: str, repository: str, failure: Passing) -> LadingError:
        """Return the error for what failed until patience ended; the greeting is about nothing yet."""
        if failure.meaning is not None:
            return failure.meaning
        where = f"{self.address}/{repository}" if repository else str(self.address)
        return RegistryError(
            f"{where} does not answer{f' about {what}' if what else ''}: {failure}",
            hint="is the registry up, and is the name of its host right? try again later",
        )

    def _authorization(self, ask: Ask, url: str) -> str | None:
        """Return the header for *url*; other hosts never get it."""
        return self.authorizer.header(ask.repository, ask.scopes) if self._is_ours(url) else None

    def _is_ours(self, url: str) -> bool:
        return origin(url) == origin(self.base_url)

    @contextmanager
    def _followed(self, ask: Ask, url: str, sent: str | None) -> Iterator[Answer]:
        """Give the answer at the end of all redirects; only reading is redirected."""
        for _ in range(_MAX_REDIRECTS):
            headers = dict(ask.headers)
            if sent is not None and self._is_ours(url):
                headers["Authorization"] = sent
            with self.transport.send(Request(ask.method, url, headers, ask.body)) as answer:
                location = answer.header("Location")
                if answer.status not in _REDIRECTS or location is None or ask.method not in {"GET", "HEAD"}:
                    yield answer
                    return
                url = self.resolve(url, location, ask.what)
        raise RegistryError(f"{self.address} sends us around in circles for {ask.what}")

    def _checked(self, ask: Ask, answer: Answer) -> Answer:
        self._warn(answer)
        if answer.status in ask.expected:
            return answer
        data = b"" if ask.method == "HEAD" else answer.read(_ERROR_BYTES)
        where = f"{self.address}/{ask.repository}"
        has_credentials = self.authorizer.has_credentials(ask.repository)
        error = refused(ask.what, where, answer.status, data, has_credentials=has_credentials)
        if answer.status in PASSING:
            wait_s = retry_after_s(answer.header("Retry-After"))
            raise Passing(error.message, wait_s=wait_s, meaning=error)
        raise error

    def _warn(self, answer: Answer) -> None:
        """Tell what the registry wants to be told (``Warning: 299 - "text"``), each thing once."""
        for header in answer.headers("Warning"):
            if header.startswith("299") and header not in self._warned:
                self._warned.add(header)
                self.progress.line(f"{self.address}: {plain(header[3:].strip(' -').strip(chr(34)))}")

    def _found(self) -> str:
        """Ask for the version of the protocol: encrypted first, plainly where that is allowed."""
        tries = replace(self.patience, attempts=min(self.patience.attempts, _GREETINGS)).start()
        while True:
            try:
                return self._greeted_any()
            except Passing as failure:
                try:
                    tries.failed(failure)
                except Passing:
                    raise self.gave_up("", "", failure) from failure

    def _greeted_any(self) -> str:
        secure, plain_one = f"https://{self.address.api}", f"http://{self.address.api}"
        try:
            self._greet(secure)
        except _Unwelcoming:  # it speaks TLS
            raise
        except Passing as failure:
            if self.is_plain_allowed:
                self._greet(plain_one)
                return plain_one
            if failure.meaning is not None:  # who speaks no TLS now will not at the next attempt
                raise failure.meaning from failure
            raise
        return secure

    def _greet(self, base_url: str) -> None:
        """Ask whether a registry is there, and whom it wants to speak to.

        Raises:
            Passing: it does not answer, or is none.
        """
        with self.transport.send(Request("GET", f"{base_url}/v2/")) as answer:
            if answer.status == _UNAUTHORIZED:
                self.authorizer.learn(answer.headers("WWW-Authenticate"), base_url)
            elif answer.status != _OK:
                said = plain(f"{answer.status} {answer.reason}")
                doubt = "" if answer.status in PASSING else " and is no registry"
                wait_s = retry_after_s(answer.header("Retry-After"))
                raise _Unwelcoming(f"it answers {said}{doubt}", wait_s=wait_s)
