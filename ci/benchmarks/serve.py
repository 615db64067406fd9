"""The server, side by side on one model: ``mlflow models serve`` and ``lading serve``, same interpreter.

Both check the full signature of every request. Load comes from wrk; rounds alternate. Ready time runs from
the start of the command to the first 200 on ``/ping``; PSS is that of everything the command started,
divided by the number of workers. Lading is measured with batching and without, and beside the same
uvicorn that only echoes the body. Processor time per request, of all processes of a server, is what a
busy machine changes least. A further table shows what `decode.py` measures, without a server.
"""

import argparse
import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from decode import decode_table
from measure import FOLDER, MLFLOW_PYTHON, Table, trained_model

CONNECTIONS = (1, 16, 64)
READY_LIMIT_S = 120
REQUEST = {
    "dataframe_split": {
        "columns": ["sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)"],
        "data": [[5.1, 3.5, 1.4, 0.2]],
    }
}


@dataclass(frozen=True)
class Party:
    """One server under test."""

    name: str
    command: Sequence[str]
    env: dict[str, str]


def parties(model: Path, port: int, workers: int) -> list[Party]:
    """Return how each party is started."""
    options = ["-m", str(model), "-p", str(port), "-w", str(workers), "--env-manager", "local"]
    mlflow = [str(MLFLOW_PYTHON.with_name("mlflow")), "models", "serve", *options]
    path = f"{MLFLOW_PYTHON.parent}{os.pathsep}{os.environ['PATH']}"
    return [
        Party("MLflow", mlflow, {"PATH": path}),
        Party("Lading", ["lading", "serve", *options], {"LADING_MODEL_PYTHON": str(MLFLOW_PYTHON)}),
    ]


def unbatched(party: Party) -> Party:
    """Return Lading as it is without batching."""
    return Party("unbatched", party.command, party.env | {"LADING_BATCHING": "off"})


def echo(port: int) -> Party:
    """Return uvicorn with an application that echoes the body."""
    options = ["--loop", "uvloop", "--http", "httptools", "--lifespan", "off", "--no-access-log"]
    command = [sys.executable, "-m", "uvicorn", "echo:app", "--port", str(port), *options]
    return Party("echo", [*command, "--app-dir", str(Path(__file__).parent)], {})


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def answers(url: str) -> bool:
    """Return whether *url* answers with success."""
    try:
        with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - always http on loopback
            return True
    except (urllib.error.URLError, OSError):
        return False


@contextlib.contextmanager
def running(party: Party, port: int) -> Iterator[tuple[int, float]]:
    """Run a server; give its process id and the seconds until it was ready. It is stopped at the end."""
    start = time.perf_counter()
    with (FOLDER / f"{party.name}.log").open("w") as log:
        process = subprocess.Popen(
            party.command, env=os.environ | party.env, stdout=log, stderr=log, start_new_session=True
        )
    try:
        while not answers(f"http://127.0.0.1:{port}/ping"):
            if process.poll() is not None or time.perf_counter() - start > READY_LIMIT_S:
                sys.exit(f"{party.name} did not start:\n{Path(log.name).read_text()[-4000:]}")
            time.sleep(0.01)
        yield process.pid, time.perf_counter() - start
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def descendants(pid: int) -> list[int]:
    """Return *pid* and every process below it."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(below for child in children for below in descendants(int(child)))]


def pss_mb(pid: int) -> float:
    """Return the proportional set size of a process and all below it, in millions of bytes."""
    total_kb = 0
    for process in descendants(pid):
        rollup = Path(f"/proc/{process}/smaps_rollup").read_text()
        total_kb += int(re.search(r"(?m)^Pss:\s+(\d+)", rollup)[1])  # type: ignore[index]
    return total_kb * 1024 / 1e6


def cpu_s(pid: int) -> float:
    """Return the processor time that a process and all below it have had, in seconds."""
    ticks = 0
    for process in descendants(pid):
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def load(port: int, connections: int, seconds: int) -> dict[str, int]:
    """Return what wrk measured."""
    body = FOLDER / "request.json"
    body.write_text(json.dumps(REQUEST))
    threads = str(min(connections, 2))
    words = ["wrk", "-t", threads, "-c", str(connections), "-d", f"{seconds}s", "--timeout", "30s"]
    words += ["-s", str(Path(__file__).with_name("post.lua")), f"http://127.0.0.1:{port}/invocations"]
    env = os.environ | {"BODY_FILE": str(body)}
    done = subprocess.run(words, env=env, capture_output=True, text=True, check=True)
    result: dict[str, int] = json.loads(done.stderr)
    return result


def measure_load(table: Table, party: Party, port: int, pid: int, seconds: int) -> None:
    """Add throughput, latency and processor time at every number of connections."""
    for connections in CONNECTIONS:
        load(port, connections, 1)
        before_s = cpu_s(pid)
        result = load(port, connections, seconds)
        cpu_us = (cpu_s(pid) - before_s) * 1e6 / result["requests"]
        if result["failed"]:
            sys.exit(f"{party.name} failed {result['failed']} requests at {connections} connections")
        table.add(
            f"requests/s, {connections} connections", party.name, result["requests"] / result["us"] * 1e6
        )
        table.add(f"p50, ms, {connections} connections", party.name, result["p50_us"] / 1e3)
        table.add(f"p99, ms, {connections} connections", party.name, result["p99_us"] / 1e3)
        table.add(f"processor time, us per request, {connections} connections", party.name, cpu_us)


def total_pss_mb(model: Path, index: int, workers: int) -> float:
    """Return the memory of one party with so many workers, after a little load."""
    port = free_port()
    with running(parties(model, port, workers)[index], port) as (pid, _):
        load(port, workers * 2, 1)
        return pss_mb(pid)


def measure_memory(table: Table, model: Path) -> None:
    """Add the memory of one worker, and of one more: the difference between one and three."""
    for index, name in enumerate((table.theirs, table.ours)):
        one, three = (total_pss_mb(model, index, workers) for workers in (1, 3))
        table.add("PSS, one worker, MB", name, one)
        table.add("PSS, each further worker, MB", name, (three - one) / 2)


def measure_beside(table: Table, party: Party, port: int, seconds: int, ours: Table) -> None:
    """Add one round of another server to its table, and what *ours* says of Lading."""
    with running(party, port) as (pid, _):
        measure_load(table, party, port, pid, seconds)
    for row, figures in table.figures.items():
        figures[table.ours] = ours.figures[row][ours.ours]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="ci/bench serve", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5, help="of load per figure")
    arguments = parser.parse_args()
    model = trained_model()
    table = Table("Serving the documentation's iris model, one row per request, one worker")
    single = Table("The same, without and with batching", theirs="unbatched")
    bare = Table("The same, beside a uvicorn that echoes the body", theirs="echo")
    for _ in range(arguments.rounds):
        for index in range(2):
            port = free_port()
            party = parties(model, port, 1)[index]
            with running(party, port) as (pid, ready_s):
                table.add("ready, s", party.name, ready_s)
                measure_load(table, party, port, pid, arguments.seconds)
        port = free_port()
        measure_beside(single, unbatched(parties(model, port, 1)[1]), port, arguments.seconds, table)
        port = free_port()
        measure_beside(bare, echo(port), port, arguments.seconds, table)
    measure_memory(table, model)
    print(table, single, bare, decode_table(arguments.rounds), sep="\n\n")


if __name__ == "__main__":
    main()
