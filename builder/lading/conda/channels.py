"""Channels: what conda makes of their names, by its own configuration, and their URLs without credentials.

Only what decides *where* packages are is read of ``.condarc`` (https://docs.conda.io/projects/conda/en/stable/
user-guide/configuration/settings.html). Its own list of channels counts only for an environment that names
none: what else it has would make the same ``conda.yaml`` give another image on another machine.
"""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit

import yaml

from lading.errors import InvalidEnvironment

_ALIAS = "https://conda.anaconda.org"
_DEFAULT = "conda-forge"
"""For an environment that names no channel anywhere; what MLflow's images use, as ``defaults`` has terms."""

_DEFAULTS = ("https://repo.anaconda.com/pkgs/main", "https://repo.anaconda.com/pkgs/r")
_IGNORED = "nodefaults"
_TOKEN = re.compile(r"/t/[^/]+(?=/|$)")
_NAME = re.compile(r"[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*")


@dataclass(frozen=True, slots=True)
class Channels:
    """Where the channels of this machine's user are."""

    alias: str = _ALIAS
    """What a name is below."""

    named: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What else than that a name stands for."""

    usual: tuple[str, ...] = (_DEFAULT,)
    """For an environment that names none."""

    @classmethod
    def of_user(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Return what conda's configuration files and variables say.

        Raises:
            InvalidEnvironment: one of the files cannot be read.
        """
        settings: dict[str, Any] = {}
        for file in filter(Path.is_file, _files(environ)):
            settings |= _read(file)
        alias = str(environ.get("CONDA_CHANNEL_ALIAS") or settings.get("channel_alias") or _ALIAS).rstrip("/")
        found = cls(alias, {"defaults": _DEFAULTS} | dict(_named(settings)))
        usual = tuple(map(str, settings.get("channels") or (_DEFAULT,)))
        return cls(found.alias, found.named, usual)

    def urls(self, channels: tuple[str, ...]) -> tuple[str, ...]:
        """Return the URLs of *channels*, each once, the most important first; credentials stay in them.

        Raises:
            InvalidEnvironment: one is neither a name nor a URL nor a folder.
        """
        wanted = [channel for channel in channels if channel != _IGNORED] or self.usual
        return tuple(dict.fromkeys(chain.from_iterable(map(self.urls_of, wanted))))

    def urls_of(self, channel: str) -> tuple[str, ...]:
        """Return the URLs that one name, URL or folder stands for."""
        if channel in self.named:
            return tuple(chain.from_iterable(map(self.urls_of, self.named[channel])))
        if "://" in channel:
            return (channel.rstrip("/"),)
        if channel.startswith(("/", "./", "../", "~")):
            return (Path(channel).expanduser().absolute().as_uri(),)
        if not _NAME.fullmatch(channel):
            raise InvalidEnvironment(
                f"{public_url(channel)!r} is no channel", hint="write a name, a URL, or a folder's path"
            )
        return (f"{self.alias}/{channel}",)


def public_url(url: str) -> str:
    """Return *url* without credentials: neither user and password nor the token of an Anaconda server."""
    parts = urlsplit(url)
    path = _TOKEN.sub("", parts.path, count=1)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], path=path))


def private_url(url: str, channels: tuple[str, ...]) -> str:
    """Return *url* with the credentials that the channel has which it is of."""
    for channel in channels:
        known = public_url(channel).rstrip("/") + "/"
        if url.startswith(known):
            return channel.rstrip("/") + "/" + url.removeprefix(known)
    return url


def _files(environ: Mapping[str, str]) -> Iterator[Path]:
    """Yield where conda looks, the least important first."""
    home = Path(environ.get("HOME") or Path.home())
    yield Path("/etc/conda/.condarc")
    yield Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "conda" / ".condarc"
    yield home / ".conda" / ".condarc"
    yield home / ".condarc"
    if chosen := environ.get("CONDARC"):
        yield Path(chosen)


def _read(file: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(file.read_bytes())
    except (OSError, yaml.YAMLError, ValueError) as error:
        raise InvalidEnvironment(
            f"{file} cannot be read", hint="correct it, or name another in CONDARC"
        ) from error
    return content if isinstance(content, dict) else {}


def _named(settings: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, ...]]]:
    if settings.get("default_channels"):
        yield "defaults", tuple(map(str, settings["default_channels"]))
    for name, base in (settings.get("custom_channels") or {}).items():
        yield str(name), (f"{str(base).rstrip('/')}/{name}",)
    for name, channels in (settings.get("custom_multichannels") or {}).items():
        yield str(name), tuple(map(str, channels))
