"""Asks uv which versions satisfy an environment, and reads its answer."""

import dataclasses
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from packaging.utils import canonicalize_name

from lading.environment import Environment, PackageIndex, Platform
from lading.errors import UnlockableEnvironment
from lading.interpreters import find_interpreter
from lading.lock import Lock
from lading.locking import installed, pylock
from lading.locking.failures import explain
from lading.locking.target import Target
from lading.store import Store
from lading.uv_process import Uv, UvFailed

_HASH = re.compile(r"\s--hash[=\s]\s*(\w+):([0-9a-fA-F]+)")
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?(?=\s*(?:[\[<>=!~;@]|\s--|$))")


def resolve(environment: Environment, platform: Platform, index: PackageIndex, store: Store) -> Lock:
    """Return exact versions and hashes of everything that *environment* needs; local files are in *store*.

    Raises:
        LadingError: uv finds none (`lading.locking.uv.UvLocker` says which errors those are).
    """
    target = Target(environment.python, platform)
    hashes = _hashes(environment.requirements)
    with installed.wheels(environment.installed) as folder:
        places = (*index.find_links, *([str(folder)] if folder else []))
        try:
            text = _compile(environment, target, Uv(dataclasses.replace(index, find_links=places)))
        except UvFailed as error:
            raise explain(error.output, target) from error
    lock = pylock.read(text, environment.python, platform, folder=Path("/"), hashes=hashes)
    return _with_local_files(installed.without(environment.installed, lock), store)


def _with_local_files(lock: Lock, store: Store) -> Lock:
    """Return *lock* with its local files put into the store, where every later build finds them."""
    for package in lock.packages:
        if package.is_local:
            path = Path(unquote(urlsplit(package.source.url).path))
            store.add_file(path, package.source.digest)
    return pylock.read(lock.pylock, lock.python, lock.platform)


def _compile(environment: Environment, target: Target, uv: Uv) -> str:
    """Return the ``pylock.toml`` that uv makes of *environment*."""
    interpreter = find_interpreter(environment.python)  # for sources whose metadata only a build tells
    return uv.run(
        "pip",
        "compile",
        "requirements.txt",
        "--constraints=constraints.txt",
        "--format=pylock.toml",
        # uv prefers what an output file that is there already names, and then prints it unless it is quiet
        *(["--output-file=pylock.toml"] if environment.installed else ["--quiet"]),
        "--no-header",
        "--no-annotate",
        "--no-python-downloads",
        f"--python-version={target.full_version}",
        f"--python-platform={target.uv_platform}",
        *([f"--python={interpreter}"] if interpreter else []),
        *uv.index_arguments(),
        files={
            "requirements.txt": "".join(f"{line}\n" for line in _requirements(environment)),
            "constraints.txt": "".join(f"{line}\n" for line in environment.constraints),
            **(
                {"pylock.toml": installed.preferences(environment.installed)} if environment.installed else {}
            ),
        },
    )


def _requirements(environment: Environment) -> Iterator[str]:
    """Yield the lines of a ``requirements.txt`` that asks for all that *environment* needs."""
    yield from environment.requirements
    for wheel in environment.wheels:
        wanted, semicolon, marker = wheel.requirement.partition(";")
        name = wanted.partition("==")[0].strip()
        yield f"{name} @ {wheel.path.absolute().as_uri()}" + (f" ; {marker.strip()}" if semicolon else "")


def _hashes(requirements: Iterable[str]) -> dict[str, frozenset[str]]:
    """Return the SHA-256 digests that *requirements* allow, by package; uv itself does not look at them.

    Raises:
        UnlockableEnvironment: a requirement has only digests of other kinds.
    """
    allowed: dict[str, frozenset[str]] = {}
    for line in requirements:
        given = _HASH.findall(line)
        name = _NAME.match(line)
        if not given or name is None:
            continue
        digests = frozenset(value.lower() for kind, value in given if kind.lower() == "sha256")
        if not digests:
            raise UnlockableEnvironment(
                f"the hashes of {name[0]} are not SHA-256", hint="write them as --hash=sha256:…"
            )
        allowed[canonicalize_name(name[0])] = allowed.get(canonicalize_name(name[0]), frozenset()) | digests
    return allowed
