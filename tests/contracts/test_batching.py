"""Real models: what is predicted together is answered as if each request were alone."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contracts.process.conftest import PATIENCE_S, ServerProcess

CLIENTS = 16
COLUMNS = ["sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)"]
ROWS = st.lists(st.lists(st.floats(0, 10), min_size=4, max_size=4), min_size=1, max_size=5)


class Pair:
    """A server that groups requests whenever it can, and one that never does, with the same model."""

    def __init__(self, folder: Path, model: Path, python: Path) -> None:
        environ = {"LADING_MODEL": str(model), "LADING_MODEL_PYTHON": str(python), "OMP_NUM_THREADS": "1"}
        grouping = {"LADING_BATCHING": "auto", "LADING_BATCH_MAX_DELAY_MS": "20"}
        for name in ("grouping", "single"):
            (folder / name).mkdir()
        self.grouping = ServerProcess(folder / "grouping", environ | grouping)
        self.single = ServerProcess(folder / "single", environ | {"LADING_BATCHING": "off"})
        self.client = httpx.Client(timeout=PATIENCE_S)

    def ask(self, server: ServerProcess, rows: list[list[float]]) -> tuple[int, bytes]:
        """Return the answer to so many rows."""
        body = json.dumps({"dataframe_split": {"columns": COLUMNS, "data": rows}})
        headers = {"Content-Type": "application/json"}
        answer = self.client.post(f"{server.url}/invocations", content=body, headers=headers)
        return answer.status_code, answer.content


@pytest.fixture
def pair(request, conformance, mlflow_python, tmp_path) -> Iterator[Pair]:
    """The two servers, of the model that the test names."""
    pair = Pair(tmp_path, conformance.models / request.param, mlflow_python)
    yield pair
    pair.client.close()
    pair.grouping.stop()
    pair.single.stop()


@pytest.mark.parametrize("pair", ["sklearn_proba"], indirect=True)
def test_a_model_that_answers_rows_in_company_differently_is_not_batched(pair):
    """Exponentials of many rows are computed in another way than those of one; the last digit shows it."""
    pair.grouping.until_ready()
    pair.grouping.eventually(lambda: "batching off" in pair.grouping.log)

    assert "rows together are not answered as one by one" in pair.grouping.log


@pytest.mark.parametrize("pair", ["iris"], indirect=True)
def test_any_split_of_rows_over_requests_gives_the_same_answers(pair):
    """However rows are spread over concurrent requests, each is answered as if alone, to the byte."""
    pair.single.until_ready()
    pair.grouping.until_ready()
    pair.grouping.eventually(lambda: "batching on" in pair.grouping.log)

    @settings(
        max_examples=10,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(requests=st.lists(ROWS, min_size=2, max_size=CLIENTS))
    def compare(requests):
        with ThreadPoolExecutor(CLIENTS) as threads:
            together = list(threads.map(lambda rows: pair.ask(pair.grouping, rows), requests))

        assert together == [pair.ask(pair.single, rows) for rows in requests]

    compare()
