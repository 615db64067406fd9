"""Debian's ``docker-registry`` on loopback: a real registry, with the authentication that a test wants."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from lading.reference import ImageRef

_LISTENING = re.compile(r"listening on [0-9.]+:(\d+)")
USER, PASSWORD = "somebody", "p:ss wörd"
HTPASSWD = "somebody:$2y$05$vuW97.m2VSyqDsKB3oqyOOuLDyGFqOEL3LlqE3dkBpu9vPmy7UalS\n"
"""Name and password as ``htpasswd -nbB`` writes them."""


@dataclass(frozen=True)
class Registry:
    """A running registry."""

    port: int
    log: Path

    @property
    def host(self) -> str:
        """As references name it."""
        return f"localhost:{self.port}"

    def ref(self, name: str) -> ImageRef:
        """Return the reference of ``path:tag`` here."""
        return ImageRef.parse(f"{self.host}/{name}")

    def requests(self) -> list[tuple[str, str, int]]:
        """Return method, path and status of all requests so far, as the registry logged them."""
        lines = [line for line in self.log.read_text().splitlines() if '"response completed' in line]
        found = (json.loads(line) for line in lines)
        return [
            (line["http.request.method"], line["http.request.uri"], line["http.response.status"])
            for line in found
        ]


@contextmanager
def running_registry(folder: Path, **sections: Mapping[str, Any]) -> Iterator[Registry]:
    """Run a registry in memory, with more *sections* in its configuration."""
    program = shutil.which("docker-registry")
    if program is None:
        pytest.fail("docker-registry is not here: ci/tools --containers installs it", pytrace=False)
    http = {"addr": "127.0.0.1:0", **sections.pop("http", {})}
    config = {
        "version": "0.1",
        "log": {"formatter": "json"},
        "validation": {"manifests": {"urls": {"allow": ["^https://example.org/"]}}},
        "storage": {"inmemory": {}, "delete": {"enabled": True}},
        "http": http,
        **sections,
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yml").write_text(json.dumps(config))
    log = folder / "log"
    with log.open("w") as stream:
        process = subprocess.Popen(
            [program, "serve", folder / "config.yml"], stderr=stream, stdout=stream, stdin=subprocess.DEVNULL
        )
    try:
        yield Registry(_port(process, log), log)
    finally:
        process.terminate()
        process.wait()


def _port(process: "subprocess.Popen[bytes]", log: Path) -> int:
    """Return the port once it is listened to."""
    while process.poll() is None:
        if found := _LISTENING.search(log.read_text()):
            return int(found[1])
    pytest.fail(f"docker-registry did not start: {log.read_text()}", pytrace=False)
