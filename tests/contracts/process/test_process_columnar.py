"""Parquet and Arrow from outside, with the libraries of MLflow's environment and without them."""

import json
import re
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.contracts.process.conftest import PATIENCE_S

PARQUET = "application/vnd.apache.parquet"
ARROW_STREAM = "application/vnd.apache.arrow.stream"
ARROW_FILE = "application/vnd.apache.arrow.file"

WRITER = """
import sys
import pandas as pd
import pyarrow as pa

frame = pd.DataFrame(
    [[5.1, 3.5, 1.4, 0.2], [6.7, 3.1, 4.7, 1.5]],
    columns=["sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)"],
)
frame.to_parquet("iris.parquet")
frame.iloc[:, :3].to_parquet("narrow.parquet")
frame.astype(str).to_parquet("texts.parquet")
frame[frame.columns[::-1]].to_parquet("reversed.parquet")
table = pa.Table.from_pandas(frame)
for name, new in (("iris.stream", pa.ipc.new_stream), ("iris.file", pa.ipc.new_file)):
    with new(name, table.schema) as writer:
        writer.write_table(table)
"""

BOMBER = """
import pyarrow as pa
import pyarrow.parquet as pq

nulls = pa.table({f"c{place}": pa.nulls(10_000_000) for place in range(20)})
pq.write_table(nulls, "nulls.parquet")
lists = pa.FixedSizeListArray.from_arrays(pa.nulls(2_000_000_000), 1_000_000_000)
repeated = pa.DictionaryArray.from_arrays(pa.array([0] * 50_000, pa.int32()), pa.array(["x" * 1_000_000]))
pq.write_table(pa.table({"c": repeated}), "repeated.parquet", compression="zstd", store_schema=False)
zeros = pa.table({"c": pa.repeat(pa.scalar(0.0), 100_000_000)})
packed = pa.ipc.IpcWriteOptions(compression="zstd")
streams = {"nulls": nulls, "lists": pa.table({"c": lists}), "zeros": zeros}
for name, table in streams.items():
    with pa.ipc.new_stream(f"{name}.stream", table.schema, options=packed) as writer:
        writer.write_table(table)
"""


@pytest.fixture
def files(mlflow_python, tmp_path):
    """Two flowers in every format."""
    subprocess.run([str(mlflow_python), "-c", WRITER], cwd=tmp_path, check=True)
    return tmp_path


@pytest.fixture
def iris(start, mlflow_python, conformance):
    """The iris model, served."""
    model = conformance.models / "iris"
    return start(LADING_MODEL=str(model), LADING_MODEL_PYTHON=str(mlflow_python)).until_ready()


def post(server, body, media_type):
    """Ask for a prediction."""
    return httpx.post(
        server.url + "/invocations", content=body, headers={"content-type": media_type}, timeout=PATIENCE_S
    )


def test_every_format_says_the_same(iris, files):
    """A data frame gets the same predictions in each format, whatever the order of its columns."""
    asked = {
        "iris.parquet": PARQUET,
        "reversed.parquet": PARQUET,
        "iris.stream": ARROW_STREAM,
        "iris.file": ARROW_FILE,
    }

    answers = [post(iris, (files / name).read_bytes(), kind) for name, kind in asked.items()]

    assert [answer.status_code for answer in answers] == [200] * 4
    assert [answer.json() for answer in answers] == [{"predictions": [0, 1]}] * 4


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("narrow.parquet", "model is missing inputs ['petal width (cm)']"),
        ("texts.parquet", "column 'sepal length (cm)' (double): can not safely convert"),
    ],
)
def test_a_frame_that_does_not_fit_is_refused(iris, files, name, reason):
    """The signature is enforced, with MLflow's code, the columns named and no values told."""
    answer = post(iris, (files / name).read_bytes(), PARQUET)

    error = answer.json()
    assert answer.status_code == 400
    assert (error["error_code"], error["error_class"]) == (
        "INVALID_PARAMETER_VALUE",
        "SCHEMA_ENFORCEMENT_FAILED",
    )
    assert error["message"].startswith(reason)
    assert "5.1" not in error["message"]


def test_broken_files_are_the_clients_and_cost_nothing(iris, files):
    """A file that is cut off, or has other bytes in it, is a 400 or still an answer; the server lives."""
    model = iris.children()
    statuses = set()
    for name, kind in (("iris.parquet", PARQUET), ("iris.stream", ARROW_STREAM), ("iris.file", ARROW_FILE)):
        whole = (files / name).read_bytes()
        for at in range(0, len(whole), max(1, len(whole) // 60)):
            for broken in (whole[:at], whole[:at] + b"\xff" + whole[at + 1 :]):
                statuses.add(post(iris, broken, kind).status_code)

    assert statuses <= {200, 400}
    assert iris.children() == model


@pytest.fixture
def bombs(mlflow_python, tmp_path):
    """Small files that stand for tens of gigabytes."""
    subprocess.run([str(mlflow_python), "-c", BOMBER], cwd=tmp_path, check=True)
    return [*tmp_path.glob("*.parquet"), *tmp_path.glob("*.stream")]


def test_what_would_fill_the_memory_is_refused(iris, bombs):
    """A small body that stands for a huge table is a 400; the model process lives, and hardly grows."""
    model = iris.children()
    kinds = {".parquet": PARQUET, ".stream": ARROW_STREAM}

    answers = [post(iris, bomb.read_bytes(), kinds[bomb.suffix]) for bomb in bombs]

    assert len(bombs) == 5
    assert all(bomb.stat().st_size < 1_000_000 for bomb in bombs)
    assert [answer.status_code for answer in answers] == [400] * 5
    assert all("; 67108864 are the most" in text or "in memory" in text for text in map(message_of, answers))
    assert iris.children() == model
    assert max(map(peak_kib, model)) < 2_600_000


def message_of(answer):
    """Return what an error says."""
    return answer.json()["message"]


def peak_kib(pid):
    """Return the most memory that a process has had."""
    status = Path(f"/proc/{pid}/status").read_text()
    (peak,) = re.findall(r"VmHWM:\s+(\d+) kB", status)
    return int(peak)


def test_without_a_reader_the_format_is_not_supported(start, tmp_path):
    """Where the model's environment reads no parquet or Arrow, the answer is 415 and says what is missing."""
    for module in ("pyarrow", "fastparquet"):
        (tmp_path / "model" / "code" / f"{module}.py").write_text("raise ImportError")
    server = start().until_ready()

    answers = [
        post(server, b"PAR1" * 3, PARQUET),
        post(server, b"\xff\xff\xff\xff", ARROW_STREAM),
        post(server, b"ARROW1" * 3, ARROW_FILE),
    ]

    assert [answer.status_code for answer in answers] == [415] * 3
    assert all("the model's environment lacks" in answer.json()["message"] for answer in answers)
    assert json.loads(answers[0].text)["error_code"] == "BAD_REQUEST"
