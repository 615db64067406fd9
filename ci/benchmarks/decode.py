"""From a body to a checked data frame, side by side: MLflow's parse and enforce, and Lading's decode.

20 numeric columns, a quarter each of double, float, long and integer, all required and checked on both
sides. MLflow's functions run as its server calls them, and give a data frame. Of ours,
`lading_runtime.protocol.decode` runs here, as the server calls it; with the data frame that the model
process makes of it, it is a row of its own. Frames are compared before anything is timed. Rounds alternate.
"""

import contextlib
import json
import random
import socket
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from lading_runtime.payload import Payload
from lading_runtime.protocol.decode import decode
from lading_runtime.schema.signature import Signature, read_signature
from lading_runtime.server.collection import Uncollected
from lading_runtime.server.invocations import INLINE_BYTES
from lading_runtime.wire import Message, receive, send
from measure import MLFLOW_PYTHON, REPOSITORY, Table, seconds

TYPES = ("double", "float", "long", "integer")
NAMES = [f"feature_{number}" for number in range(20)]
FORMATS = ("dataframe_split", "dataframe_records", "inputs")
MEDIA_TYPE = "application/json"
ROWS = 10_000
UNCOLLECTED = Uncollected()
SIGNATURE = {
    "inputs": json.dumps(
        [{"type": TYPES[number % 4], "name": name, "required": True} for number, name in enumerate(NAMES)]
    )
}


def body_of(style: str, rows: int) -> bytes:
    """Return so many rows as JSON; the same ones for every *style*."""
    numbers = random.Random(0)  # noqa: S311 - any numbers do
    data = [
        [numbers.randrange(10**6) if column % 4 > 1 else numbers.random() for column in range(len(NAMES))]
        for _ in range(rows)
    ]
    if style == "dataframe_split":
        return json.dumps({style: {"columns": NAMES, "data": data}}).encode()
    return json.dumps({style: [dict(zip(NAMES, row, strict=True)) for row in data]}).encode()


class ModelSide:
    """The interpreter with MLflow, NumPy and pandas: `model_side.py` on the other end of a socket."""

    def __init__(self, stream: socket.socket) -> None:
        self._stream = stream

    def check(self, body: bytes, payload: Payload) -> None:
        """End the benchmark if MLflow's frame of *body* is not ours of *payload*."""
        self._ask("check", body, payload)

    def parse_s(self, body: bytes, times: int) -> float:
        """Return the median time that MLflow takes."""
        return self._ask("parse", body, None, times)

    def build_s(self, payload: Payload, times: int) -> float:
        """Return the median time that our model process takes for a payload."""
        return self._ask("build", b"", payload, times)

    def _ask(self, work: str, body: bytes, payload: Payload | None, times: int = 1) -> float:
        node, buffers = (None, []) if payload is None else (payload.data, payload.buffers)
        send(self._stream, Message({"work": work, "payload": node, "times": times}, [body, *buffers]))
        answer = receive(self._stream)
        if answer is None:
            sys.exit("the interpreter with MLflow ended")
        return float(answer.header["seconds"])


@contextlib.contextmanager
def model_side() -> Iterator[ModelSide]:
    """Run the other interpreter."""
    ours, theirs = socket.socketpair()
    script = Path(__file__).with_name("model_side.py")
    words = [MLFLOW_PYTHON, script, REPOSITORY / "runtime", str(theirs.fileno()), json.dumps(SIGNATURE)]
    with ours:
        with theirs:
            process = subprocess.Popen(list(map(str, words)), pass_fds=[theirs.fileno()])
        yield ModelSide(ours)
    process.wait()


@dataclass(frozen=True)
class Case:
    """A body, and how often it is decoded for a figure."""

    style: str
    body: bytes
    times: int
    unit: str
    scale: float

    def named(self, what: str) -> str:
        """Return the name of a row of the table."""
        return f"{what}, {self.style}, {self.unit}"


def decode_as_served(body: bytes, signature: Signature | None) -> Payload:
    """Return a body's payload; large ones without the garbage collector, as in the server."""
    if len(body) <= INLINE_BYTES:
        return decode(body, MEDIA_TYPE, signature)
    with UNCOLLECTED:
        return decode(body, MEDIA_TYPE, signature)


def median_s(work: Callable[[], object], times: int) -> float:
    """Return the median time of *work*."""
    return statistics.median([seconds(work) for _ in range(times)])


def measure_decode(table: Table, case: Case, signature: Signature | None, side: ModelSide, rows: str) -> None:
    """Add the figures of one round."""
    payload = decode_as_served(case.body, signature)
    side.check(case.body, payload)
    theirs = side.parse_s(case.body, case.times) * case.scale
    ours = median_s(lambda: decode_as_served(case.body, signature), case.times) * case.scale
    build = side.build_s(payload, case.times) * case.scale
    table.add(case.named(f"decode + enforce, {rows}"), table.theirs, theirs)
    table.add(case.named(f"decode + enforce, {rows}"), table.ours, ours)
    table.add(case.named(f"... and data frame, {rows}"), table.theirs, theirs)
    table.add(case.named(f"... and data frame, {rows}"), table.ours, ours + build)


def decode_table(rounds: int) -> Table:
    """Measure so many rounds."""
    signature = read_signature({"signature": SIGNATURE})
    table = Table(f"JSON of {len(NAMES)} numeric columns, decoded and enforced")
    large = [Case(style, body_of(style, ROWS), 5, "ms", 1e3) for style in FORMATS]
    small = [Case(style, body_of(style, 1), 200, "us", 1e6) for style in FORMATS]
    with model_side() as side:
        for _ in range(rounds):
            for case in large:
                measure_decode(table, case, signature, side, f"{ROWS} rows")
            for case in small:
                measure_decode(table, case, signature, side, "1 row")
    return table
