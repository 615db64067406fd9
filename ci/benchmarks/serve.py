"""The server beside others, in one run: load, start and memory, as tables for README with what must hold.

On an MLflow model: ``mlflow models serve``, and Lading's runtime as an image starts it; both check the full
signature of every request. With --peers, on the same iris model: other servers, each asked in its own
protocol. One worker each; load comes from wrk, over loopback; rounds alternate; figures are medians.
Processor time per request, of all processes of a server, is what a busy machine changes least.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import parties
import peer_servers
from compared_models import FURTHER, IRIS, IRIS_TITLE, models_python, trained
from comparison import CONNECTIONS, OURS, Bound, Comparison
from decode import decode_table
from environments import server_python
from measure import run, trained_model
from memory import measure_memory
from memory import table as memory_table
from parties import Setting
from serving import Party, Question, free_port, predicted, running
from start import measure_start
from stolen import Wanted
from wrk import load

PARTS = ("iris", "models", "start", "memory", "decode")
START_ROUNDS = 5
"""At least; starts are short, and differ."""

MLFLOW_FLOORS = {1: 3, 16: 25, 64: 40}
"""Requests/s in multiples of MLflow's, by the number of connections."""

MLFLOW_P99 = 1 / 30
ECHO_FLOOR = 0.5
ECHO, RELAYED_ECHO = "uvicorn, echoing", "uvicorn, a second process echoing"


DOCUMENTED = "The classifier of MLflow's documentation, a forest of 10 trees, one row per request"


@dataclass(frozen=True)
class Entrant:
    """A server in a comparison, and what it is asked."""

    name: str
    party: Callable[[int], Party]
    """From a port."""

    question: Question


@dataclass(frozen=True)
class Result:
    """A part's table, and the same as JSON has it."""

    text: str
    as_json: Any


def compared(title: str, entrants: Sequence[Entrant], rounds: int, seconds: int) -> Comparison:
    """Return all entrants under the same load; all must predict the same."""
    comparison = Comparison(title)
    predictions: dict[str, Any] = {}
    before = Wanted.read()
    for _ in range(rounds):
        for entrant in entrants:
            port = free_port()
            with running(entrant.party(port), port) as (pid, _):
                predictions[entrant.name] = predicted(entrant.question, port)
                for connections in CONNECTIONS:
                    found = load(entrant.question, port, pid, connections, seconds)
                    comparison.add(entrant.name, connections, found)
                    print(f"  {entrant.name}: {connections} connections {found}", file=sys.stderr, flush=True)
    if len(set(map(str, predictions.values()))) > 1:
        sys.exit(f"the servers do not predict the same: {predictions}")
    stolen = Wanted.read().stolen_since(before)
    comparison.notes.append(
        f"of the processor time that this run wanted, the machine's host kept {stolen:.1%}"
    )
    return comparison


def on_model(setting: Setting, question: Question) -> list[Entrant]:
    """Return MLflow and Lading on a model."""
    return [
        Entrant("MLflow", lambda port: parties.mlflow(setting, port), question),
        Entrant(OURS, lambda port: parties.lading(setting, port), question),
    ]


def beside_iris(setting: Setting) -> list[Entrant]:
    """Return what shows where Lading's time goes: itself without batching, and echoes."""
    # An echo predicts what it is asked to.
    echoed = Question({**IRIS.body, "predictions": [0]})
    return [
        Entrant("Lading, batching off", lambda port: parties.unbatched(setting, port), IRIS),
        Entrant(ECHO, lambda port: parties.echo(setting, port, "echo"), echoed),
        Entrant(RELAYED_ECHO, lambda port: parties.echo(setting, port, "relayed_echo"), echoed),
    ]


def entrant_of(peer: peer_servers.Peer, python: Path, model: Path) -> Entrant:
    """Return a peer on the iris model."""
    file = model / "model.pkl"
    return Entrant(peer.name, lambda port: peer.party(python, file, port), peer.question)


def measure_iris(setting: Setting, arguments: argparse.Namespace) -> Result:
    """Return the comparison on the iris model, with what must hold."""
    found = peer_servers.installed() if arguments.peers else {}
    others = [entrant_of(peer, python, setting.model) for peer, python in found.values()]
    first, ours = on_model(setting, IRIS)
    entrants = [first, *others, ours, *beside_iris(setting)]
    before_us = predict_us(setting)
    comparison = compared(IRIS_TITLE, entrants, arguments.rounds, arguments.seconds)
    model_us = (before_us + predict_us(setting)) / 2  # the machine may have become slower
    comparison.bounds += mlflow_bounds(comparison) + echo_bounds(comparison)
    comparison.bounds += peer_bounds(comparison, list(found))
    comparison.notes.append("MLflow and Lading check every request against the model's whole signature")
    comparison.notes.append(f"scikit-learn itself takes {model_us:.0f} µs for a row, or for a batch of some")
    if arguments.peers:
        comparison.notes += [f"{peer.name} checks {peer.checks}" for peer, _ in found.values()]
        missing = [peer.name for peer in peer_servers.PEERS if peer.name not in found]
        comparison.notes += [f"**{name} is missing**: it cannot be installed here" for name in missing]
    return Result(str(comparison), comparison.as_json())


def predict_us(setting: Setting) -> float:
    """Return how long a call of the model takes in a plain script, with nothing around it."""
    file = setting.model / "model.pkl"
    return float(run(setting.model_python, Path(__file__).with_name("prediction_time.py"), file))


def mlflow_bounds(comparison: Comparison) -> list[Bound]:
    """Return what must hold beside MLflow."""
    floors = [
        Bound(
            f"requests/s in MLflow's, {at} connections",
            comparison.ratio("requests_per_s", "MLflow", at),
            floor,
            is_floor=True,
        )
        for at, floor in MLFLOW_FLOORS.items()
    ]
    p99 = comparison.ratio("p99_ms", "MLflow", 64)
    return [*floors, Bound("p99 in MLflow's, 64 connections", p99, MLFLOW_P99, is_floor=False)]


def echo_bounds(comparison: Comparison) -> list[Bound]:
    """Return what must hold beside an echo; one connection also waits for a second process each time."""
    bounds = [
        Bound(
            f"requests/s in those of an echo, {at} connections",
            comparison.ratio("requests_per_s", ECHO, at),
            ECHO_FLOOR,
            is_floor=True,
        )
        for at in CONNECTIONS
    ]
    relayed = comparison.ratio("requests_per_s", RELAYED_ECHO, 1)
    name = "requests/s in those of an echo from a second process, 1 connections"
    return [*bounds, Bound(name, relayed, ECHO_FLOOR, is_floor=True)]


def peer_bounds(comparison: Comparison, names: Sequence[str]) -> list[Bound]:
    """Return what must hold beside the best of the peers."""
    if not names:
        return []
    return [
        Bound(
            f"requests/s in the best peer's, {at} connections",
            min(comparison.ratio("requests_per_s", name, at) for name in names),
            1.0,
            is_floor=True,
        )
        for at in CONNECTIONS
    ]


def measure_models(setting: Setting, arguments: argparse.Namespace) -> Result:
    """Return comparisons on further models."""
    documented = replace(setting, model=trained_model())
    found = [compared(DOCUMENTED, on_model(documented, IRIS), arguments.rounds, arguments.seconds)]
    for model in FURTHER:
        entrants = on_model(replace(setting, model=trained() / model.folder), model.question)
        found.append(compared(model.title, entrants, arguments.rounds, arguments.seconds))
    return Result("\n\n".join(map(str, found)), [comparison.as_json() for comparison in found])


def measure(part: str, setting: Setting, arguments: argparse.Namespace) -> Result:
    """Return what one part measures."""
    if part == "iris":
        return measure_iris(setting, arguments)
    if part == "models":
        return measure_models(setting, arguments)
    if part == "start":
        start = measure_start(setting, max(arguments.rounds, START_ROUNDS))
        return Result(str(start), start.as_json())
    if part == "memory":
        memories = measure_memory(setting, IRIS, arguments.rounds)
        return Result(memory_table(memories), [memory.as_json() for memory in memories])
    decoding = decode_table(arguments.rounds)
    return Result(str(decoding), decoding.figures)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="ci/bench serve", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peers", action="store_true", help="also MLServer, LitServe, BentoML, KServe's SDK")
    parser.add_argument("--only", choices=PARTS, action="append", help="a part; may be given more than once")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5, help="of load per figure")
    parser.add_argument("--json", action="store_true", help="print JSON, with the figures of every round")
    arguments = parser.parse_args()
    setting = Setting(trained() / "iris", models_python(), server_python())
    results = {part: measure(part, setting, arguments) for part in arguments.only or PARTS}
    if arguments.json:
        print(json.dumps({part: result.as_json for part, result in results.items()}, indent=1))
    else:
        print(*(result.text for result in results.values()), sep="\n\n")


if __name__ == "__main__":
    main()
