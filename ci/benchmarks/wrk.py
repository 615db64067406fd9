"""Load from wrk: as many requests as a number of connections can send, one after the other on each."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from measure import FOLDER
from processes import cpu_s
from serving import Question

WARM_UP_S = 1

PROCESSORS = os.cpu_count() or 1
OWN_PROCESSOR = ["taskset", "-c", str(PROCESSORS - 1)] if PROCESSORS > 2 else []  # noqa: PLR2004 - for a server's
"""The load comes from one thread, which stays where it is if there are enough for a server without that."""


@dataclass(frozen=True)
class Load:
    """What wrk and the kernel measured of a server under load."""

    requests_per_s: float
    p50_ms: float
    p99_ms: float

    cpu_us: float
    """Processor time per request, of all processes of the server: what a busy machine changes least."""


def load(question: Question, port: int, pid: int, connections: int, seconds: int) -> Load:
    """Return what a server makes of so many connections. A failed request ends the benchmark."""
    drive(question, port, connections, WARM_UP_S)
    before_s = cpu_s(pid)
    found = drive(question, port, connections, seconds)
    after_s = cpu_s(pid)
    count = found["requests"]
    if found["failed"] or not count:
        answered = f"{count} requests to {question.path} were answered in {seconds} s"
        sys.exit(f"{answered}, {found['failed']} of them with an error")
    return Load(
        requests_per_s=count / found["us"] * 1e6,
        p50_ms=found["p50_us"] / 1e3,
        p99_ms=found["p99_us"] / 1e3,
        cpu_us=(after_s - before_s) * 1e6 / count,
    )


def drive(question: Question, port: int, connections: int, seconds: int) -> dict[str, int]:
    """Return what wrk measured."""
    body = FOLDER / "request.json"
    body.write_text(json.dumps(question.body))
    words = [
        *OWN_PROCESSOR,
        "wrk",
        "-t",
        "1",
        "-c",
        str(connections),
        "-d",
        f"{seconds}s",
        "--timeout",
        "30s",
    ]
    words += ["-s", str(Path(__file__).with_name("post.lua")), f"http://127.0.0.1:{port}{question.path}"]
    env = os.environ | {"BODY_FILE": str(body)}
    done = subprocess.run(words, env=env, capture_output=True, text=True, check=True, timeout=seconds + 60)
    result: dict[str, int] = json.loads(done.stderr)
    return result
