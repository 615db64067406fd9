"""Which certificates count at one registry: those of this machine, and those in folders for the host.

The folders are Docker's and Podman's: ``<folder>/<host[:port]>/`` holds ``*.crt`` (CAs to trust as well)
and pairs of ``*.cert`` and ``*.key`` (to show to the registry), as ``containers-certs.d(5)`` describes it.
"""

import os
import ssl
from collections.abc import Mapping
from pathlib import Path

from lading.errors import RegistryError
from lading.tls import no_checks, tls_context


def certificate_folders(environ: Mapping[str, str] = os.environ) -> tuple[Path, ...]:
    """Return where certificates per host are kept, the user's own first."""
    home = Path(environ.get("HOME") or Path.home())
    config = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    own = (config / "containers" / "certs.d", config / "docker" / "certs.d")
    return (*own, Path("/etc/containers/certs.d"), Path("/etc/docker/certs.d"))


def context_for(host: str, folders: tuple[Path, ...], *, is_checked: bool) -> ssl.SSLContext:
    """Return what decides whether to trust *host*, ``name[:port]``.

    Raises:
        RegistryError: a certificate there cannot be read.
    """
    context = tls_context() if is_checked else no_checks()
    for folder in folders:
        for path in _files(folder / host):
            _load(context, path)
    return context


def _files(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.suffix in {".crt", ".cert"})
    except (OSError, ValueError):  # there is none for this host, or nobody may look into it
        return []


def _load(context: ssl.SSLContext, path: Path) -> None:
    try:
        if path.suffix == ".crt":
            context.load_verify_locations(cafile=path)
        else:
            context.load_cert_chain(path, path.with_suffix(".key"))
    except OSError as error:  # ssl.SSLError is one
        raise RegistryError(f"{str(path)!r} cannot be used as a certificate: {error}") from error
