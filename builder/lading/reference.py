"""What users type: references to models and to images."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Self, assert_never
from urllib.parse import unquote, urlsplit

from lading.digest import Digest
from lading.errors import InvalidReference


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A model folder on this machine."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)


@dataclass(frozen=True, slots=True)
class RunModel:
    """A model that a run logged: ``runs:/<run_id>/<path>``."""

    run_id: str
    path: str
    """Of the model among the run's artifacts; in MLflow 3 its first segment is the model's name."""

    def __str__(self) -> str:
        return f"runs:/{self.run_id}/{self.path}"


@dataclass(frozen=True, slots=True)
class VersionedModel:
    """A registered version: ``models:/<name>/<version>``, or ``…/latest`` for the highest one."""

    name: str
    version: int | None
    """None means the highest version."""

    def __str__(self) -> str:
        return f"models:/{self.name}/{self.version or 'latest'}"


@dataclass(frozen=True, slots=True)
class AliasedModel:
    """The registered version that an alias points to: ``models:/<name>@<alias>``."""

    name: str
    alias: str

    def __str__(self) -> str:
        return f"models:/{self.name}@{self.alias}"


@dataclass(frozen=True, slots=True)
class StagedModel:
    """The newest registered version in a (deprecated) stage: ``models:/<name>/<stage>``."""

    name: str
    stage: str

    def __str__(self) -> str:
        return f"models:/{self.name}/{self.stage}"


@dataclass(frozen=True, slots=True)
class LoggedModel:
    """A logged model of MLflow 3: ``models:/m-<id>``."""

    model_id: str

    def __str__(self) -> str:
        return f"models:/{self.model_id}"


@dataclass(frozen=True, slots=True)
class RemoteModel:
    """A model folder behind a URL that fsspec, a tracking server or an installed mlflow can read."""

    uri: str
    """May hold credentials; ``str`` leaves them out."""

    @property
    def scheme(self) -> str:
        """The URL's scheme, in lower case."""
        return urlsplit(self.uri).scheme.lower()

    def __str__(self) -> str:
        """Return the URL without what may be secret, since this text goes into messages and labels."""
        url = urlsplit(self.uri)
        if not url.netloc:
            return self.uri.partition("?")[0]
        return url._replace(netloc=url.netloc.rpartition("@")[2], query="", fragment="").geturl()


DistantModel = RunModel | VersionedModel | AliasedModel | StagedModel | LoggedModel | RemoteModel
"""What a store, a server or a URL has."""

ModelRef = LocalModel | DistantModel


def parse_model_ref(text: str) -> ModelRef:
    """Return the model reference that *text* writes, in the forms that MLflow knows.

    An existing local path wins, as in ``mlflow.tracking.artifact_utils``.

    Raises:
        InvalidReference: *text* names no model.
    """
    if not text.strip():
        raise InvalidReference("the model URI is empty", hint="try runs:/<run_id>/model")
    if _is_path(text):
        return LocalModel(Path(text))
    try:
        scheme = urlsplit(text).scheme.lower()
    except ValueError as error:  # such as a host in brackets that is no address
        raise InvalidReference(f"{text!r} is no URL", hint="try runs:/<run_id>/model") from error
    match scheme:
        case "":
            return LocalModel(Path(text))
        case "file":
            return _local(text)
        case "runs":
            return _run(text)
        case "models":
            return _registered(text)
        case _:
            return RemoteModel(text)


def _is_path(text: str) -> bool:
    try:
        return Path(text).exists()
    except (OSError, ValueError):  # longer than names of files may be, or with a zero byte
        return False


def _local(text: str) -> LocalModel:
    url = urlsplit(text)
    if url.netloc not in {"", "localhost"}:
        raise InvalidReference(f"{text!r} names another machine", hint="use file:///path/to/model")
    return LocalModel(Path(unquote(url.path)))


def _run(text: str) -> RunModel:
    match = re.fullmatch(r"(?i:runs):/+([^/@]+)/(.+?)/*", text)
    if match is None:
        raise InvalidReference(f"{text!r} is no run URI", hint="write runs:/<run_id>/<model name>")
    if ".." in match[2].split("/"):
        raise InvalidReference(f"{text!r} leaves the run's artifacts", hint="leave out the ..")
    return RunModel(match[1], match[2])


def _registered(text: str) -> VersionedModel | AliasedModel | StagedModel | LoggedModel:
    match = re.fullmatch(r"(?i:models):/+([^/].*?)/*", text)
    parts = unquote(match[1]).split("/") if match else []
    match parts:
        case [name, version] if name and version.isascii() and version.isdigit():
            return VersionedModel(name, int(version))
        case [name, latest] if name and latest.lower() == "latest":
            return VersionedModel(name, None)
        case [name, stage] if name and stage:
            return StagedModel(name, stage)
        case [name] if "@" in name and all(name.rsplit("@", 1)):
            return AliasedModel(*name.rsplit("@", 1))
        case [model_id] if model_id and "@" not in model_id:
            return LoggedModel(model_id)
    raise InvalidReference(
        f"{text!r} is no model URI",
        hint="write models:/<name>/<version>, models:/<name>@<alias> or models:/m-<id>",
    )


_HOST = re.compile(
    r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?|\[[0-9a-fA-F:]+\])(?::(?P<port>[0-9]{1,5}))?"
)
_LAST_PORT = 65535
_PATH = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*")
_TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}")
_DIGEST_LIKE = re.compile(r"[0-9a-f]{64}")
_MAX_CHARACTERS = 255
"""Of a name without tag and digest (``distribution/reference.RepositoryNameTotalLengthMax``)."""


@dataclass(frozen=True, slots=True)
class ImageRef:
    """The name of an image: ``[host/]path[:tag][@digest]``, by the grammar of Docker's *distribution*."""

    host: str | None
    """A registry; None for Docker's default."""

    path: str
    tag: str = "latest"
    digest: Digest | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the image reference that *text* writes.

        Raises:
            InvalidReference: *text* is no image name; the message says which part is wrong.
        """
        name, at, digest = text.partition("@")
        head, colon, tag = name.rpartition(":")
        if not colon or "/" in tag:
            head, tag = name, "latest"
        first, slash, rest = head.partition("/")
        is_host = bool(slash) and ("." in first or ":" in first or first == "localhost" or "[" in first)
        host, path = (first, rest) if is_host else (None, head)
        if host is not None and not _is_host(host):
            raise _invalid_image(text, f"{host!r} is no registry host")
        if not all(_PATH.fullmatch(part) for part in path.split("/")):
            raise _invalid_image(text, f"{path!r} must be lower-case letters, digits and .-_/")
        if len(head) > _MAX_CHARACTERS or _DIGEST_LIKE.fullmatch(head):
            raise _invalid_image(text, "it is too long, or could be the id of an image")
        if not _TAG.fullmatch(tag):
            raise _invalid_image(text, f"{tag!r} is no tag")
        try:
            return cls(host, path, tag, Digest.parse(digest) if at else None)
        except ValueError as error:
            raise _invalid_image(text, f"{digest!r} is no digest") from error

    @property
    def repository(self) -> str:
        """The name without tag and digest."""
        return f"{self.host}/{self.path}" if self.host else self.path

    def __str__(self) -> str:
        return f"{self.repository}:{self.tag}" + (f"@{self.digest}" if self.digest else "")


def _is_host(text: str) -> bool:
    match = _HOST.fullmatch(text)
    return match is not None and int(match["port"] or 0) <= _LAST_PORT


def _invalid_image(text: str, reason: str) -> InvalidReference:
    return InvalidReference(f"{text!r} is no image name: {reason}", hint="write one like iris:latest")


def describe(ref: ModelRef) -> str:
    """Return what kind of thing *ref* names, for messages."""
    match ref:
        case LocalModel():
            return "folder"
        case RunModel():
            return "run"
        case VersionedModel() | StagedModel():
            return "model version"
        case AliasedModel():
            return "model alias"
        case LoggedModel():
            return "logged model"
        case RemoteModel():
            return "URL"
        case _:
            assert_never(ref)
