"""How soon the next request is answered after a model has ended its process, crashed, or hung.

The model is the one of the contract tests, which does what its input says. Each time runs from the answer to
the fault until the next prediction, by a fresh fork: a connection, a fork and a request. It is measured on a
pair that has nothing else to do.
"""

import argparse
import json
import statistics
import sys
import time
import urllib.error
import urllib.request

from measure import REPOSITORY
from serving import Party, free_port, running

TIMEOUT_S = 1
PROMPTS = ("exit 9", "leave now", "crash", "close", "sleep 600", "spin", "hold")
"""Ends its process; raises SystemExit; segfaults; closes its sockets; hangs: idle, computing, in a C call."""


def ask(port: int, prompt: str) -> int:
    """Return the status of the answer to *prompt*."""
    body = json.dumps({"prompt": prompt}).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/invocations", body, headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - always http on loopback
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def recovery_ms(port: int, prompt: str) -> tuple[int, float]:
    """Return the answer to a fault, and how long the next one then takes."""
    status = ask(port, prompt)
    began = time.perf_counter()
    after = ask(port, "echo next")
    if after != 200:  # noqa: PLR2004 - what else there is
        sys.exit(f"after {prompt!r} the next request was answered {after}")
    return status, (time.perf_counter() - began) * 1e3


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="ci/bench faults", description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds
    environ = {
        "LADING_MODEL": str(REPOSITORY / "tests" / "contracts" / "process" / "model"),
        "LADING_MODEL_PYTHON": sys.executable,
        "LADING_HOST": "127.0.0.1",
        "PORT": str(port := free_port()),
        "MLFLOW_MODELS_WORKERS": "1",
        "MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT": str(TIMEOUT_S),
    }
    print(f"{'':12} {'answer':>6} {'next, median':>12} {'next, worst':>12}   ({rounds} rounds)")
    with running(Party("faults", [sys.executable, "-m", "lading_runtime"], environ), port):
        for prompt in PROMPTS:
            found = [recovery_ms(port, prompt) for _ in range(rounds)]
            times, statuses = [ms for _, ms in found], sorted({status for status, _ in found})
            median, worst = statistics.median(times), max(times)
            print(f"{prompt:12} {' '.join(map(str, statuses)):>6} {median:9.1f} ms {worst:9.1f} ms")


if __name__ == "__main__":
    main()
