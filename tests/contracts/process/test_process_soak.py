"""All faults at once, under load, for as long as ``--soak-s`` says: nobody is left without an answer."""

import os
import random
import signal
import threading
from pathlib import Path

from tests.contracts.process.traffic import Answer, Traffic

PROMPTS = {
    "echo me": (60, {200}),
    "sleep 0.01": (20, {200}),
    "raise on purpose": (4, {400}),
    "fill /nonexistent": (2, {400}),
    f"leak {10 << 20}": (6, {200}),
    "chatter 20": (2, {200}),
    "exit 3": (2, {500}),
    "leave now": (2, {500}),
    "crash": (2, {500}),
    "close": (1, {500}),
    "hold": (1, {504}),
    "spin": (1, {504}),
    "sleep 600": (1, {504}),
}
"""What clients ask for, how often, and what is the answer to it; but see `is_answered`."""

TIMEOUT_S = 2


def choose(chance: random.Random) -> str:
    """Return what is asked next."""
    return chance.choices(list(PROMPTS), [weight for weight, _ in PROMPTS.values()])[0]


def is_answered(answer: Answer) -> bool:
    """Tell whether that is what an answer may be.

    Whoever waits for the model process behind one that hangs may run out of time, or be told so at once.
    """
    return answer.status in PROMPTS[answer.prompt][1] | {503, 504}


def reload_again_and_again(pid: int, is_over: threading.Event) -> None:
    """Have the server load its model anew every few seconds."""
    while not is_over.wait(7):
        os.kill(pid, signal.SIGHUP)


def rss_bytes(pid: int) -> int:
    """Return how much memory a process has resident."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_no_request_is_left_unanswered(start, request):
    """Whatever happens to others, each request gets its one answer; afterwards all is as before."""
    seconds = request.config.getoption("--soak-s")
    server = start(
        MLFLOW_MODELS_WORKERS="2",
        MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT=str(TIMEOUT_S),
        LADING_MODEL_MAX_RSS="150MiB",
        GUNICORN_CMD_ARGS="--max-requests 200 --max-requests-jitter 50",
    ).until_ready()
    master, before = server.process.pid, rss_bytes(server.process.pid)
    is_over = threading.Event()
    reloading = threading.Thread(target=reload_again_and_again, args=(master, is_over))
    reloading.start()
    with Traffic(int(server.url.rpartition(":")[2]), clients=8, choose=choose) as traffic:
        is_over.wait(seconds)
    is_over.set()
    reloading.join()
    server.eventually(lambda: len(server.workers()) == 2)
    server.eventually(lambda: len(server.children()) == 5)
    print(f"{len(traffic.answers)} answers: {traffic.statuses}")  # noqa: T201 - what a soak is run for

    assert [answer for answer in traffic.answers if not is_answered(answer)] == []
    assert traffic.statuses[200] > len(traffic.answers) / 3
    assert rss_bytes(master) < before + (32 << 20)
    assert server.ask("echo after").json() == "after"
    assert server.stop() == 0
