"""The command line, as a user starts it."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Lading:
    """Runs commands with a store and a working folder of a test's own."""

    folder: Path
    variables: Mapping[str, str] = field(default_factory=dict)

    def __call__(
        self, *words: object, program: str = "lading", **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        own = {"LADING_CACHE_DIR": str(self.folder / "store"), "COLUMNS": "80", **self.variables, **variables}
        command = [str(Path(sys.executable).with_name(program)), *map(str, words)]
        return subprocess.run(
            command,
            cwd=self.folder,
            env={**os.environ, **own},
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )


@pytest.fixture
def lading(tmp_path) -> Lading:
    """The command line in an empty folder."""
    return Lading(tmp_path)
