"""MLflow's agents, served beside MLflow's own agent server."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest
import uv

from tests.conftest import CACHE, made_once, run

HTTP_CLIENT = ("httpx==0.28.1", "httpcore==1.0.9")
"""What the agent server imports and MLflow does not require; all that they need comes with MLflow."""

AGENT_SERVER = Path(__file__).with_name("agent_server.py")
MESSAGES = {"messages": [{"role": "user", "content": "hi"}]}
INPUT = {"input": [{"role": "user", "content": "hi"}]}


@pytest.fixture
def http_client(mlflow_python):
    """The folder of an HTTP client for MLflow's interpreter."""
    with made_once(CACHE / "-".join(("agents", *HTTP_CLIENT))) as (folder, is_missing):
        if is_missing:
            options = ("--python", mlflow_python, "--target", folder, "--no-deps")
            run(uv.find_uv_bin(), "pip", "install", *options, *HTTP_CLIENT)
    return folder


@pytest.fixture
def ask_mlflow(mlflow_python, http_client, conformance, tmp_path):
    """Return a function that asks MLflow's agent server for a model."""

    def ask(model, agent_type, requests):
        asked = subprocess.run(
            [str(mlflow_python), str(AGENT_SERVER), str(conformance.models / model), agent_type],
            input=json.dumps(requests),
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(http_client)},
        )
        assert asked.returncode == 0, asked.stderr
        return json.loads(asked.stdout)

    return ask


@pytest.fixture
def ask_ours(start, mlflow_python, conformance):
    """Return a function that asks our server for a model."""

    def ask(model, requests):
        server = start(LADING_MODEL=str(conformance.models / model), LADING_MODEL_PYTHON=str(mlflow_python))
        server.until_ready()
        answers = [
            httpx.request(how, server.url + path, json=body, timeout=60) for how, path, body in requests
        ]
        return [[answer.status_code, answer.headers["content-type"], answer.text] for answer in answers]

    return ask


def read(text: str) -> Any:
    """Return what an answer says: events, or JSON without the time at which it was made."""
    if text.startswith("data: "):
        return [read(event.removeprefix("data: ")) for event in text.split("\n\n")]
    said = json.loads(text) if text.startswith("{") else text
    return {**said, "created": None} if isinstance(said, dict) else said


@pytest.mark.parametrize(
    ("model", "agent_type", "path", "body"),
    [
        ("responses_agent", "ResponsesAgent", "/responses", INPUT),
        ("chat_agent", "", "/v1/chat/completions", MESSAGES),
        ("chat_model", "", "/v1/chat/completions", MESSAGES),
    ],
)
def test_agents_answer_as_in_mlflows_agent_server(ask_ours, ask_mlflow, model, agent_type, path, body):
    """At once or in a stream, at each of its routes, an agent says what it says in MLflow's agent server."""
    bodies = [body, {**body, "stream": True}]
    asked = [*(["POST", "/invocations", body] for body in bodies), ["GET", "/agent/info", None]]

    expected = ask_mlflow(model, agent_type, asked)
    found = ask_ours(model, [*asked, *(["POST", path, body] for body in bodies)])

    told = [[status, kind, read(text)] for status, kind, text in found]
    assert told[:3] == [[status, kind, read(text)] for status, kind, text in expected]
    assert told[3:] == told[:2]


def test_an_agent_is_not_asked_for_what_it_is_not(ask_ours):
    """A stream of what is no input for the agent is refused before it begins, as JSON."""
    bodies: list[dict[str, Any]] = [{}, {"input": "hi"}, {"messages": []}]
    asked = [["POST", "/responses", {**body, "stream": True}] for body in bodies]

    found = ask_ours("responses_agent", asked)

    assert [(status, kind) for status, kind, _ in found] == [(400, "application/json")] * 3
    assert [json.loads(text)["error_code"] for *_, text in found] == [
        "BAD_REQUEST",
        "INVALID_PARAMETER_VALUE",
        "INVALID_PARAMETER_VALUE",
    ]
