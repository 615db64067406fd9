"""Credential programs: ``docker-credential-<name>``, which keep secrets outside of files.

Protocol: the argument ``get``, the registry on standard input, a JSON object with ``Username`` and
``Secret`` on standard output (https://github.com/docker/docker-credential-helpers).
"""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping

from lading.oci.registry.credentials import Credentials, IdentityToken, Login

_NOT_FOUND = ("credentials not found", "no credentials", "no usernames")
"""What programs print where they have nothing for a registry; that is no failure."""

_TIMEOUT_S = 60.0


class HelperFailed(Exception):
    """A credential program is missing or does not work; the text has no secret."""


def ask_helper(name: str, key: str, environ: Mapping[str, str] = os.environ) -> Credentials | None:
    """Return what ``docker-credential-<name>`` has for the registry *key*; None where it has nothing.

    Raises:
        HelperFailed: the program is missing, or fails.
    """
    program = f"docker-credential-{name}"
    path = shutil.which(program, path=environ.get("PATH")) if "/" not in name else None
    if path is None:
        raise HelperFailed(f"{program!r} is not on the PATH")
    try:
        done = subprocess.run(
            [path, "get"],
            input=key,
            capture_output=True,
            text=True,
            check=False,
            timeout=_TIMEOUT_S,
            env=environ,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise HelperFailed(f"{program!r} cannot be run") from error
    if done.returncode == 0:
        return _parsed(program, done.stdout)
    if any(sign in f"{done.stdout} {done.stderr}".lower() for sign in _NOT_FOUND):
        return None
    raise HelperFailed(f"{program!r} failed with exit code {done.returncode}")


def _parsed(program: str, text: str) -> Credentials | None:
    try:
        answer = json.loads(text)
        username, secret = str(answer["Username"]), str(answer["Secret"])
    except (ValueError, KeyError, TypeError) as error:
        raise HelperFailed(f"{program!r} answers no credentials as JSON") from error
    if not secret:
        return None
    return IdentityToken(secret) if username == "<token>" else Login(username, secret)
