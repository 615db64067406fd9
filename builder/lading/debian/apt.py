"""How this host reaches Debian's archive, where it is a Debian itself: what apt is configured to do."""

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from lading.debian.control import parse_paragraphs

_LINE = re.compile(r"deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)")
_SETTING = re.compile(r'Acquire::(https?)::Proxy(?:::(\S+))? "(.*)";')
_SUITE = re.compile(r"(?P<codename>[a-z]+)(?P<part>-updates|-security|/updates)?/?")


@dataclass(frozen=True, slots=True)
class AptConfiguration:
    """Mirrors and proxies of this host; empty where it is no Debian."""

    archive: str | None = None
    """The address that suites such as ``bookworm`` come from."""

    security: str | None = None
    """The address that suites such as ``bookworm-security`` come from."""

    proxies: Mapping[str, str] = field(default_factory=dict)
    """By ``http``, ``https``, ``http://host`` and so on; ``DIRECT`` for none."""

    @classmethod
    def read(cls, root: Path = Path("/")) -> Self:
        """Return the configuration of the system at *root*.

        A proxy of the host counts on any system that has apt, mirrors only on Debian: those of its
        children have other packages.
        """
        proxies = _proxies() if root == Path("/") else {}
        release = root / "etc/os-release"
        if not release.is_file() or parse_os_release(release.read_text()).get("ID") != "debian":
            return cls(proxies=proxies)
        places = dict(_places(root / "etc/apt"))
        return cls(places.get(""), places.get("-security"), proxies)


def parse_os_release(text: str) -> dict[str, str]:
    """Return the settings of an ``os-release(5)`` file."""
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line)
    return {name.strip(): value.strip().strip("\"'") for name, _, value in pairs}


def _places(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield what part of Debian comes from which address; apt's first choice last."""
    for address, suite in reversed([*_sources(folder)]):
        match = _SUITE.fullmatch(suite)
        if match and address.startswith(("http://", "https://")):
            yield (match["part"] or "").replace("/updates", "-security"), address.rstrip("/")


def _sources(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield address and suite of every source of ``sources.list(5)``."""
    parts = folder / "sources.list.d"
    for path in (folder / "sources.list", *sorted(parts.glob("*.list"))):
        if path.is_file():
            lines = (_LINE.match(line.strip()) for line in path.read_text(errors="replace").splitlines())
            yield from ((match[1], match[2]) for match in lines if match and _is_debian(match[1]))
    for path in sorted(parts.glob("*.sources")):
        for fields in parse_paragraphs(path.read_text(errors="replace")):
            yield from _of_paragraph(fields)


def _of_paragraph(fields: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    if "deb" not in fields.get("Types", "").split() or fields.get("Enabled", "yes").lower() == "no":
        return
    if "main" not in fields.get("Components", "").split():
        return
    for address in fields.get("URIs", "").split():
        if _is_debian(address):
            yield from ((address, suite) for suite in fields.get("Suites", "").split())


def _is_debian(address: str) -> bool:
    """Return whether *address* ends as Debian's archives do; other sources are of other publishers."""
    return address.rstrip("/").endswith(("/debian", "/debian-security"))


def _proxies() -> dict[str, str]:
    """Return the proxies that apt was told to use; only apt-config reads its files as apt does."""
    program = shutil.which("apt-config")
    if program is None:
        return {}
    done = subprocess.run(
        [program, "dump"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    proxies = {}
    for line in done.stdout.splitlines():
        match = _SETTING.fullmatch(line)
        if match and match[3] and match[3] != "false":
            scheme, host, proxy = match.groups()
            proxies[f"{scheme}://{host}" if host else scheme] = proxy
    return proxies
