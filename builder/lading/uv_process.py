"""uv, run as a process with the same indexes, certificates and credentials everywhere.

uv is asked for everything that concerns package indexes: what it finds in its environment variables,
its user configuration, netrc and keyring applies. What the user gave to Lading comes before that. It
is handed over in environment variables, because a command line, credentials included, is visible to
everybody on the machine.

uv is started in an empty folder: the project that a user happens to stand in says nothing of a model.
"""

import os
import re
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit, urlunsplit

import uv

from lading.environment import PackageIndex

_TRUST = ("SSL_CERT_FILE", "SSL_CERT_DIR", "UV_SYSTEM_CERTS", "UV_NATIVE_TLS")
_LOCAL = ("VIRTUAL_ENV", "UV_PROJECT", "UV_WORKING_DIR", "UV_PYTHON", "UV_SYSTEM_PYTHON", "UV_CONSTRAINT")
"""What concerns the environment or project that Lading was started in, never the model's."""

_USERINFO = re.compile(r"(?<=://)[^/@\s'\"`]+@")


class UvFailed(Exception):
    """uv ended with an error; ``output`` is what it said, without credentials."""

    def __init__(self, output: str) -> None:
        super().__init__(output)
        self.output = output


@dataclass(frozen=True, slots=True)
class Uv:
    """uv with the indexes that the user or the model asked for."""

    index: PackageIndex = field(default_factory=PackageIndex)

    def run(
        self,
        *arguments: str | Path,
        files: Mapping[str, str] = MappingProxyType({}),
        variables: Mapping[str, str] = MappingProxyType({}),
    ) -> str:
        """Run uv; return what it wrote to its standard output.

        Args:
            arguments: of uv.
            files: text files of the folder in which it runs, by name.
            variables: environment variables, besides those of this process.

        Raises:
            UvFailed: uv ended with an error.
        """
        command = [uv.find_uv_bin(), "--no-progress", "--color=never", *map(str, arguments)]
        environ = {**uv_environ(self.index, os.environ), **variables}
        with tempfile.TemporaryDirectory(prefix="lading-") as folder:
            for name, text in files.items():
                (Path(folder) / name).write_text(text, encoding="utf-8")
            done = subprocess.run(
                command, cwd=folder, env=environ, capture_output=True, text=True, check=False
            )
        if done.returncode != 0:
            raise UvFailed(without_credentials(done.stderr.replace(f"{folder}/", "")))
        return done.stdout

    def index_arguments(self) -> tuple[str, ...]:
        """Return what the index says beyond places, as arguments of uv's resolving commands."""
        index = self.index
        return (
            *([] if index.uses_index else ["--no-index"]),
            *(["--prerelease=allow"] if index.allows_prereleases else []),
            *(f"--no-binary={name}" for name in index.no_binary),
            *(f"--only-binary={name}" for name in index.only_binary),
        )


def uv_environ(index: PackageIndex, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment variables for uv: those of *environ*, *index* before what they say."""
    variables = {name: value for name, value in environ.items() if name not in _LOCAL}
    if not any(environ.get(name) for name in _TRUST):
        variables["UV_SYSTEM_CERTS"] = "1"  # a company's CA is in the system's store, not in uv's own
    if index.index_url is not None:
        variables["UV_DEFAULT_INDEX"] = absolute(index.index_url)
        variables.pop("UV_INDEX_URL", None)
    lists = {
        "UV_INDEX": (" ", map(absolute, index.extra_index_urls)),
        "UV_FIND_LINKS": (",", map(absolute, index.find_links)),
        "UV_INSECURE_HOST": (" ", iter(index.trusted_hosts)),
    }
    for name, (separator, values) in lists.items():
        variables[name] = separator.join(filter(None, [*values, environ.get(name)]))
    return {name: value for name, value in variables.items() if value}


def configuration(environ: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Return what besides its arguments decides what uv resolves: its version, variables and files."""
    chosen = environ.get("UV_CONFIG_FILE")
    home = Path(environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    system = (environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(":")
    folders = (home, *map(Path, system), Path("/etc"))
    files = [Path(chosen)] if chosen else [folder / "uv" / "uv.toml" for folder in folders]
    return (
        version(),
        *(f"{name}={environ[name]}" for name in sorted(environ) if _decides(name)),
        *(file.read_text(encoding="utf-8", errors="replace") for file in files if file.is_file()),
    )


def version() -> str:
    """Return which uv this is.

    The name of its folder of metadata says so ("binary distribution format", The .dist-info directory).
    ``importlib.metadata`` would read the same from a file, but takes a twentieth of a start to import.
    """
    folders = [*Path(uv.__file__).parents[1].glob("uv-*.dist-info")]
    if len(folders) == 1:
        return folders[0].name.removeprefix("uv-").removesuffix(".dist-info")
    found: str = import_module("importlib.metadata").version("uv")
    return found


def _decides(name: str) -> bool:
    is_login = name.startswith("UV_INDEX_") and name.endswith(("_USERNAME", "_PASSWORD"))
    return (
        name.startswith("UV_")
        and not is_login
        and name not in {"UV_CACHE_DIR", "UV_KEYRING_PROVIDER", *_LOCAL}
    )


def absolute(location: str) -> str:
    """Return *location*, a URL or a path of this machine, as a URL."""
    if len(urlsplit(location).scheme) > 1:  # one letter is a drive
        return location
    # quoting also hides the space and comma that separate locations in uv's variables
    return Path(location).expanduser().absolute().as_uri().replace(",", "%2C")


def without_credentials(text: str) -> str:
    """Return *text* with user names and passwords cut out of its URLs."""
    return _USERINFO.sub("", text)


def public_url(url: str) -> str:
    """Return *url* without credentials; the user ``git`` of an SSH address is none."""
    parts = urlsplit(url)
    if parts.scheme.removeprefix("git+") == "ssh" and parts.username and not parts.password:
        return url
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])) if "@" in parts.netloc else url
