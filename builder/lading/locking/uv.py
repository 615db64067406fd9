"""Locks pip environments with ``uv pip compile``."""

import dataclasses
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from packaging.utils import canonicalize_name

from lading.environment import Environment, PackageIndex, Platform
from lading.errors import UnlockableEnvironment
from lading.interpreters import find_interpreter
from lading.lock import Lock, LockedPackage
from lading.locking import installed, kept, pylock
from lading.locking.failures import explain
from lading.locking.target import FIRST_PATCH, Target
from lading.progress import Progress
from lading.store import Store
from lading.uv_process import Uv, UvFailed, configuration, without_credentials

_FORMAT = 1
"""Of what is kept in the store; counted up when the same requirements may give another lock."""

_HASH = re.compile(r"\s--hash[=\s]\s*(\w+):([0-9a-fA-F]+)")
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?(?=\s*(?:[\[<>=!~;@]|\s--|$))")


@dataclass(frozen=True, slots=True)
class UvLocker:
    """Locks with uv; the same question is asked of the network only once.

    A lock is kept in the store under everything that it depends on: requirements, constraints, target,
    indexes, uv's version and configuration, and the local files among the requirements. So a rebuild
    installs what the first build installed, even when an index has newer versions meanwhile.
    ``is_refreshed`` asks the indexes again and replaces what was kept.
    """

    index: PackageIndex
    """What the user gave; it comes before what the model's requirements say."""

    store: Store
    progress: Progress
    is_refreshed: bool = False

    is_offline: bool = False
    """Ask nobody: only what is kept counts."""

    def lock(self, environment: Environment, platform: Platform) -> Lock:
        """Return exact versions and hashes of everything that *environment* needs on *platform*.

        Raises:
            UnlockableEnvironment: no set of versions satisfies it; names the requirement that clashes.
            WheelUnavailable: a package has neither a wheel nor a source for the platform.
            PackageIndexError: an index cannot be reached or refuses.
            InvalidEnvironment: a requirement cannot be read.
        """
        index = merged(self.index, environment.index)
        key = _key(environment, platform, index)
        known = None if self.is_refreshed else self._known(key)
        if known is not None:
            return known
        if self.is_offline:
            raise UnlockableEnvironment(
                "no lock of this environment is kept here, and offline nobody is asked for one",
                hint="build once with a network, bring that store (lading cache export), or use --from-lock",
            )
        lock = self._with_local_files(self._resolve(environment, platform, index))
        self.store.write_entry("locks", key, kept.dump(lock))
        return lock

    def _known(self, key: str) -> Lock | None:
        value = self.store.read_entry("locks", key)
        lock = kept.load(value) if value is not None else None
        if lock is None or all(map(self._is_at_hand, lock.packages)):
            return lock
        return None

    def _is_at_hand(self, package: LockedPackage) -> bool:
        """Say whether a local file of *package*, which no index has, is still in the store."""
        digest = package.source.digest
        return digest is None or not _is_file(package) or self.store.path(digest).exists()

    def _resolve(self, environment: Environment, platform: Platform, index: PackageIndex) -> Lock:
        target = Target(environment.python, platform)
        hashes = _hashes(environment.requirements)
        with installed.wheels(environment.installed) as folder:
            places = (*index.find_links, *([str(folder)] if folder else []))
            try:
                text = _compile(environment, target, Uv(dataclasses.replace(index, find_links=places)))
            except UvFailed as error:
                raise explain(error.output, target) from error
        lock = pylock.read(text, environment.python, platform, folder=Path("/"), hashes=hashes)
        return installed.without(environment.installed, lock)

    def _with_local_files(self, lock: Lock) -> Lock:
        """Return *lock* with its local files put into the store, where every later build finds them."""
        for package in filter(_is_file, lock.packages):
            path = Path(unquote(urlsplit(package.source.url).path))
            self.store.add_file(path, package.source.digest)
        return pylock.read(lock.pylock, lock.python, lock.platform)


def merged(first: PackageIndex, second: PackageIndex) -> PackageIndex:
    """Return both indexes as one, in which *first* wins."""
    return PackageIndex(
        first.index_url or second.index_url,
        (*first.extra_index_urls, *second.extra_index_urls),
        (*first.find_links, *second.find_links),
        uses_index=first.uses_index and (second.uses_index or first.index_url is not None),
        trusted_hosts=(*first.trusted_hosts, *second.trusted_hosts),
        allows_prereleases=first.allows_prereleases or second.allows_prereleases,
        no_binary=(*first.no_binary, *second.no_binary),
        only_binary=(*first.only_binary, *second.only_binary),
    )


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


def _key(environment: Environment, platform: Platform, index: PackageIndex) -> str:
    """Return everything that a lock depends on, but for what the indexes have."""
    asked = dataclasses.replace(environment, index=index)
    parts = (
        _FORMAT,
        Target(environment.python, platform).glibc_minor,
        FIRST_PATCH,
        str(platform),
        asked,
        configuration(),
        *_stamps(environment, index),
    )
    return without_credentials(repr(parts))


def _stamps(environment: Environment, index: PackageIndex) -> Iterator[tuple[str, int, int]]:
    """Yield name, size and time of change of the local files that packages may come from."""
    folders = (Path(place) for place in index.find_links if not urlsplit(place).scheme)
    files = (file for folder in folders if folder.is_dir() for file in sorted(folder.iterdir()))
    for file in (*(wheel.path for wheel in environment.wheels), *files):
        status = file.stat()
        yield file.name, status.st_size, status.st_mtime_ns


def _is_file(package: LockedPackage) -> bool:
    return package.source.url.startswith("file:") and package.source.digest is not None
