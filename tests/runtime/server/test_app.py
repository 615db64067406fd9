"""The application: which path answers what, on a model process that does what it is told."""

import asyncio
import gzip
import json
import logging
import sys

import httpx
import pytest
from lading_runtime import __version__
from lading_runtime.server.app import create_app
from lading_runtime.server.cgroup import Limits
from lading_runtime.server.model import ServedModel
from lading_runtime.server.probes import Drain
from lading_runtime.server.settings import Settings

MLMODEL = {"run_id": "abc", "mlflow_version": "3.18.0", "flavors": {"python_function": {}}}
ECHO = {"prompt": "echo"}


@pytest.fixture
def client(open_pool, tmp_path):
    """Return a function that runs a conversation with the application.

    Its keywords are settings by their variables; ``each`` says how model processes start,
    ``drained`` that the worker has been asked to end, and ``mlmodel`` what the model says of itself.
    """

    def run(conversation, *, each="ready", drained=False, mlmodel=MLMODEL, **environ):
        async def main():
            said = {"LADING_MODEL": str(tmp_path), "LADING_MODEL_PYTHON": sys.executable, **environ}
            settings = Settings.read(said, Limits(1, None))
            drain = Drain()
            drain.has_begun = drained
            async with open_pool(each) as pool:
                await pool.until_told()
                app = create_app(ServedModel(tmp_path, mlmodel), None, settings, pool, drain).asgi
                transport = httpx.ASGITransport(app=app)
                async with httpx.AsyncClient(transport=transport, base_url="http://server") as http:
                    return await conversation(http)

        return asyncio.run(asyncio.wait_for(main(), 60))

    return run


def get(path, **headers):
    """Return a conversation of one GET."""
    return lambda http: http.get(
        path, headers={name.replace("_", "-"): text for name, text in headers.items()}
    )


def post(content, **headers):
    """Return a conversation of one scoring request."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return lambda http: http.post(
        "/invocations",
        content=body,
        headers={name.replace("_", "-"): text for name, text in headers.items()},
    )


@pytest.mark.parametrize("path", ["/ping", "/health"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_probes_answer_as_mlflows(client, method, path):
    """A ready server answers probes with 200, JSON's media type, and a line break; HEAD too."""
    answer = client(lambda http: http.request(method, path))

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["content-length"] == "1"


@pytest.mark.parametrize(
    ("method", "path", "status", "detail"),
    [
        ("GET", "/nope", 404, "Not Found"),
        ("GET", "/redoc", 404, "Not Found"),
        ("GET", "/invocations", 405, "Method Not Allowed"),
        ("POST", "/ping", 405, "Method Not Allowed"),
        ("DELETE", "/version", 405, "Method Not Allowed"),
    ],
)
def test_what_is_not_there_is_said_as_mlflow_does(client, method, path, status, detail):
    """Unknown paths and methods have FastAPI's bodies, as in MLflow."""
    answer = client(lambda http: http.request(method, path))

    assert answer.status_code == status
    assert answer.json() == {"detail": detail}


def test_only_probes_answer_to_head(client):
    """Balancers send HEAD to probes; elsewhere it is not allowed, as in MLflow."""
    answer = client(lambda http: http.request("HEAD", "/version"))

    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")


@pytest.mark.parametrize("path", ["/ping/", "/invocations/"])
def test_a_trailing_slash_is_redirected(client, path):
    """A path with a slash too much leads to the right one."""
    assert client(get(path)).status_code == 307


def test_version_is_an_object(client):
    """``/version`` tells of server and model, as JSON."""
    answer = client(get("/version")).json()

    assert answer["lading_runtime"] == __version__
    assert answer["mlflow"] == "3.18.0"
    assert answer["model"]["run_id"] == "abc"


def test_version_as_text_is_mlflows(client):
    """A client that asks for plain text gets the bare version of MLflow."""
    assert client(get("/version", accept="text/plain")).text == "3.18.0"


def test_a_prediction_is_answered(client):
    """A scoring request is answered with what the model process says."""
    answer = client(post({"dataframe_split": {"columns": ["a"], "data": [[1]]}}))

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.content.startswith(b'{"predictions": ')


def test_large_bodies_are_answered_too(client):
    """A body that is decoded in a thread gets the same answer."""
    answer = client(post({"inputs": list(range(50_000))}))

    assert answer.status_code == 200


def test_gzip_bodies_are_read(client):
    """A gzip body is scored as what it holds."""
    body = gzip.compress(json.dumps({"inputs": [1]}).encode())

    assert client(post(body, content_encoding="gzip")).status_code == 200


@pytest.mark.parametrize(
    ("body", "headers", "status", "error_code"),
    [
        (b"{", {}, 400, "BAD_REQUEST"),
        (b"{}", {"content_type": "application/xml"}, 415, "BAD_REQUEST"),
        (b"{}", {"content_encoding": "br"}, 415, "BAD_REQUEST"),
        (b"x" * 2000, {}, 413, "BAD_REQUEST"),
    ],
)
def test_bad_requests_have_json_errors(client, body, headers, status, error_code):
    """Whatever is wrong with a request is said in a JSON object with a code."""
    answer = client(post(body, **headers), LADING_MAX_BODY_BYTES="1000")

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["error_code"] == error_code


def test_before_the_model_is_loaded_the_server_is_alive_and_not_ready(client):
    """A failed or unfinished load leaves ``/health`` at 200, and ``/ping`` and scoring at 503."""

    async def conversation(http):
        return [await http.get("/health"), await http.get("/ping"), await post({"inputs": [1]})(http)]

    health, ping, invocations = client(conversation, each="failed")

    assert health.status_code == 200
    assert "no weights" in health.json()["reason"]
    for refusal in (ping, invocations):
        assert refusal.status_code == 503
        assert refusal.headers["retry-after"] == "1"
        assert "no weights" in refusal.json()["message"]


def test_a_draining_server_is_not_ready_but_answers(client):
    """Once asked to end, a server denies readiness, and answers what still comes."""

    async def conversation(http):
        return await http.get("/ping"), await post({"inputs": [1]})(http)

    ping, invocations = client(conversation, drained=True)

    assert ping.status_code == 503
    assert invocations.status_code == 200


@pytest.fixture
def log(caplog):
    """Everything that is logged."""
    caplog.set_level(logging.DEBUG)
    return caplog


def access_lines(log):
    """Return the fields of the lines about requests."""
    records = [record for record in log.records if record.name == "lading_runtime.access"]
    return [event.fields() for record in records for event in record.lading_events]


def test_each_request_is_one_line(client, log):
    """A request is logged with its method, path, status, sizes, and the times of its stages."""
    client(post({"inputs": [1]}))

    (line,) = access_lines(log)
    assert (line["method"], line["path"], line["status"]) == ("POST", "/invocations", 200)
    assert line["received_bytes"] == 15
    assert line["model_ms"] > 0
    assert line["ms"] >= sum(line[f"{stage}_ms"] for stage in ("decode", "queue", "model", "encode"))


def test_paths_cannot_break_lines_of_the_log(client, log):
    """A path is logged as it was on the wire, and without its query."""
    client(get("/a%0Ab?secret=1"))

    (line,) = access_lines(log)
    assert line["path"] == "/a%0Ab"


def test_a_mistake_of_ours_is_a_500_without_details(client, log, monkeypatch):
    """An exception that nobody expected is answered as JSON, and says nothing of the payload."""
    monkeypatch.setattr("lading_runtime.server.dialect.decode", lambda *_: int("secret"))

    answer = client(post({"inputs": [1]}))

    assert answer.status_code == 500
    assert answer.json()["error_code"] == "INTERNAL_ERROR"
    assert "secret" not in answer.text


def agent(task):
    """Return the ``MLmodel`` of an agent."""
    return {**MLMODEL, "metadata": {"task": task}}


@pytest.mark.parametrize(
    ("task", "path", "other"),
    [
        ("agent/v1/responses", "/responses", "/v1/chat/completions"),
        ("agent/v2/chat", "/v1/chat/completions", "/responses"),
        ("agent/v1/chat", "/v1/chat/completions", "/responses"),
    ],
)
def test_agents_answer_at_further_routes(client, task, path, other):
    """An agent is asked where clients of its kind ask, with the same bodies as at ``/invocations``."""

    async def conversation(http):
        return [await http.post(where, json=ECHO) for where in ("/invocations", path, other)]

    scored, further, missing = client(conversation, mlmodel=agent(task))

    assert (scored.status_code, further.status_code, missing.status_code) == (200, 200, 404)
    assert scored.content == further.content


@pytest.mark.parametrize(("method", "path"), [("POST", "/responses"), ("GET", "/agent/info")])
def test_what_is_no_agent_has_no_further_routes(client, method, path):
    """The routes of agents are not there for other models."""
    assert client(lambda http: http.request(method, path, json=ECHO)).status_code == 404


@pytest.mark.parametrize(
    ("task", "more"), [("agent/v1/responses", {"agent_api": "responses"}), ("agent/v2/chat", {})]
)
def test_an_agent_says_what_it_is(client, task, more):
    """``/agent/info`` tells what MLflow's agent server tells, under the name that the environment gives."""
    told = {"use_case": "agent", "mlflow_version": "3.18.0", **more}

    assert client(get("/agent/info"), mlmodel=agent(task)).json() == {**told, "name": "mlflow_agent_server"}
    named = client(get("/agent/info"), mlmodel=agent(task), DATABRICKS_APP_NAME="helper")
    assert named.json() == {**told, "name": "helper"}


def test_a_stream_is_answered_in_events(client):
    """``"stream": true`` is answered with events where the model streams, and logged with their number."""
    answer = client(post({"prompt": "x", "stream": True}))

    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert answer.text.endswith("data: [DONE]\n\n")


def test_a_mistake_of_ours_in_a_stream_is_an_event_without_details(client, log, monkeypatch):
    """An exception that nobody expected ends a stream as an error does, and says nothing of the payload."""
    encode = iter([lambda *_, **__: b"1", lambda *_, **__: int("secret")])
    monkeypatch.setattr("lading_runtime.server.dialect.encode", lambda *_, **__: next(encode)())

    answer = client(post({"prompt": "x", "stream": True}))

    assert answer.status_code == 200
    assert '"error":"internal error"' in answer.text
    assert "secret" not in answer.text


def test_a_scrape_counts_all_that_its_worker_has_answered(client):
    """Whoever has an answer finds it counted by the worker that gave it."""

    async def conversation(http):
        for _ in range(3):
            await post(ECHO)(http)
        return await get("/metrics")(http)

    counted = 'lading_requests_total{route="/invocations",status="200"} 3.0'

    assert counted in client(conversation).text.splitlines()
