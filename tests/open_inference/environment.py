"""The clients, each in a process of its own and with the environment that it wants."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import uv

from tests.conftest import CACHE, REPOSITORY, made_once
from tests.flavours.environment import digest, run

FOLDER = Path(__file__).resolve().parent

MODULES = {"triton": "triton", "kserve": "kserve_client", "mlserver": "mlserver_codecs"}
"""The module of each client; the file that says what it needs has the client's name."""


def interpreter(client: str) -> Path:
    """Return the Python of an environment that is made once per checkout."""
    requirements = FOLDER / f"{client}.txt"
    with made_once(CACHE / f"open-inference-{client}-{digest(requirements)}") as (folder, is_missing):
        if is_missing:
            python = folder / "bin" / "python"
            run(uv.find_uv_bin(), "venv", "--python", sys.executable, folder)
            options = ["--compile-bytecode", "--requirement", requirements]
            run(uv.find_uv_bin(), "pip", "install", "--python", python, *options)
    return folder / "bin" / "python"


class Client:
    """A client that asks what it is told to."""

    def __init__(self, name: str) -> None:
        self._process = subprocess.Popen(
            [interpreter(name), "-W", "ignore", "-m", f"tests.open_inference.{MODULES[name]}"],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def ask(self, url: str, model: str, request: dict[str, Any]) -> dict[str, Any]:
        """Return what the client says of the answers to *request*."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps({"url": url, "model": model, "request": request}) + "\n")
        stdin.flush()
        said: dict[str, Any] = json.loads(stdout.readline())
        return said

    def close(self) -> None:
        """End the client."""
        self._process.communicate()
