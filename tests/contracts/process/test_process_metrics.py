"""What operators read: metrics of all workers, ids that tie requests to lines of the log, the log itself."""

import json
import os
import re
import signal

import httpx
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as prometheus

from tests.contracts.process.conftest import PATIENCE_S, free_port

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def samples(server):
    """Return the value of each sample, by its name and labels."""
    families = prometheus(server.get("/metrics").text)
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def answered(server, status="200", route="/invocations"):
    """Return how many requests were counted."""
    return samples(server).get(("lading_requests_total", ("route", route), ("status", status)), 0.0)


def lines(server, message="request"):
    """Return the lines of a JSON log with this message."""
    whole = server.log.rpartition("\n")[0]  # the last one may still be written
    said = [json.loads(line) for line in whole.splitlines() if line.startswith("{")]
    return [line for line in said if line["message"] == message]


def test_any_worker_tells_of_all_of_them(start):
    """A scrape of whichever worker counts the requests, batches and rows of every worker."""
    server = start(MLFLOW_MODELS_WORKERS="2").until_ready()

    pids: list[int] = []
    while len(pids) < 40 or len(set(pids)) < 2:
        pids.append(server.ask("pid").json())
    stages = [("stage", stage) for stage in ("decode", "queue", "model", "encode")]
    whole = {
        ("lading_requests_total", ("route", "/invocations"), ("status", "200")),
        ("lading_request_duration_seconds_count", ("route", "/invocations")),
        *(("lading_stage_duration_seconds_count", stage) for stage in stages),
        ("lading_rows_total",),
        ("lading_batch_requests_sum",),
    }
    # An answer is sent before it is counted; a scrape may come in between.
    server.eventually(lambda: {samples(server).get(name) for name in whole} == {len(pids)})

    for seen in [samples(server) for _ in range(8)]:
        assert {seen[name] for name in whole} == {len(pids)}


def test_memory_of_each_process_and_the_model_are_shown(start):
    """The resident memory of every worker and model process, and what the model and the server are."""
    server = start(
        MLFLOW_MODELS_WORKERS="2", LADING_MODEL_NAME="iris", LADING_MODEL_VERSION="7"
    ).until_ready()

    def whole():
        """Return the samples once each process has said who it is."""
        seen = samples(server)
        memory = {key: value for key, value in seen.items() if key[0] == "lading_resident_memory_bytes"}
        return (seen, memory) if len(memory) == 4 else None

    seen, memory = server.eventually(whole)

    assert {dict(key[1:])["process"] for key in memory} == {"worker", "model"}
    assert all(value > 1_000_000 for value in memory.values())
    (model,) = [dict(key[1:]) for key in seen if key[0] == "lading_model_info"]
    assert (model["name"], model["version"]) == ("iris", "7")
    assert model["run_id"] == "0123456789abcdef0123456789abcdef"
    assert model["flavors"] == "python_function"


def test_no_count_goes_back_when_a_worker_is_killed(start):
    """The successor of a worker goes on counting where that one ended."""
    server = start().until_ready()
    server.ask("echo")
    server.eventually(lambda: answered(server) == 1)

    (worker,) = server.workers()
    os.kill(worker, signal.SIGKILL)
    server.eventually(lambda: server.workers() not in ([], [worker]))
    server.until_ready()
    assert server.ask("echo").status_code == 200

    server.eventually(lambda: answered(server) == 2)
    assert samples(server)["lading_worker_starts_total",] == 2


def test_lost_model_processes_missed_deadlines_and_errors_are_counted(start):
    """A prediction that hangs counts as a missed deadline, one that ends its process as an error."""
    server = start(MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT="5").until_ready()

    statuses = [server.until_ready().ask(prompt).status_code for prompt in ("exit 1", "raise x", "sleep 60")]

    def errors():
        """Return what was counted."""
        seen = samples(server)
        restarts = sum(
            value for key, value in seen.items() if key[0] == "lading_model_process_restarts_total"
        )
        names = ("DeadlineExceeded", "ModelProcessLost", "ModelError")
        told = [seen.get(("lading_request_errors_total", ("error", name))) for name in names]
        return [seen["lading_deadline_misses_total",], restarts, *told]

    assert statuses == [500, 400, 504]
    server.eventually(lambda: errors() == [1, 2, 1, 1, 1])


def test_paths_that_clients_make_up_are_one_route(start):
    """However many paths are asked for, the number of series stays the same."""
    server = start().until_ready()

    for number in range(5):
        server.get(f"/nothing/{number}?key=secret")

    server.eventually(lambda: answered(server, "404", "other") == 5)
    assert not any("secret" in str(key) or "nothing" in str(key) for key in samples(server))


def test_open_metrics_is_spoken_where_it_is_asked_for(start):
    """Prometheus' ``Accept`` header gets OpenMetrics, which its strict parser reads."""
    server = start().until_ready()
    server.ask("echo")

    wanted = {"accept": "application/openmetrics-text;version=1.0.0"}
    answer = httpx.get(server.url + "/metrics", headers=wanted, timeout=PATIENCE_S)
    families = {family.name: family.type for family in open_metrics(answer.text)}

    assert answer.headers["content-type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert families["lading_requests"] == "counter"
    assert families["lading_request_duration_seconds"] == "histogram"
    assert families["lading_model"] == "info"


def test_ids_tie_answers_to_lines_of_the_log(start):
    """A client's request id and trace are on its answer and on every line about its request."""
    server = start(LADING_LOG_FORMAT="json").until_ready()
    headers = {"x-request-id": "order-17", "traceparent": TRACE}

    answer = server.post({"prompt": "raise secret"}, **headers)

    assert answer.headers["x-request-id"] == "order-17"
    assert answer.headers["traceparent"] == TRACE
    messages = ("request", "model raised")

    def about():
        """Return the lines about this request, once all are there."""
        told = [line for message in messages for line in lines(server, message)]
        mine = [line for line in told if line.get("request_id") == "order-17"]
        return mine if {line["message"] for line in mine} == {*messages} else None

    mine = server.eventually(about)
    assert {line["trace_id"] for line in mine} == {"4bf92f3577b34da6a3ce929d0e0e4736"}


def test_ids_that_are_no_words_are_replaced(start):
    """An id with spaces, or longer than 128 characters, is not taken over; nor is an invalid trace."""
    server = start().until_ready()

    for bad in (b"a b", b"x" * 129, "n\u00e9".encode()):
        headers = [(b"x-request-id", bad), (b"traceparent", b"00-0-0-00")]
        answer = httpx.get(server.url + "/ping", headers=headers, timeout=PATIENCE_S)

        assert re.fullmatch(r"[0-9a-f]{16}-[0-9a-f]+", answer.headers["x-request-id"])
        assert "traceparent" not in answer.headers


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_no_payload_query_or_key_is_logged(start, tmp_path, log_format):
    """At the most talkative level, the log has neither what is asked nor what opens the server."""
    key = "key-that-nobody-may-read"
    (tmp_path / "keys").write_text(key)
    said = {
        "LADING_LOG_LEVEL": "debug",
        "LADING_LOG_FORMAT": log_format,
        "LADING_API_KEY_FILE": str(tmp_path / "keys"),
    }
    server = start(**said).until_ready()

    for sent in (key, "wrong-but-also-a-secret"):
        for body in ({"prompt": "echo payload-secret"}, {"inputs": "payload-secret"}, b'{"payload-secret'):
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            url = server.url + "/invocations?api_key=query-secret"
            httpx.post(url, content=content, headers={"x-api-key": sent}, timeout=PATIENCE_S)
    server.stop()

    assert "request" in server.log
    assert not re.search(r"payload-secret|query-secret|nobody-may-read|also-a-secret", server.log)


def test_a_level_silences_requests(start):
    """With ``LADING_LOG_LEVEL=warning``, what goes well leaves no line, and what does not, does."""
    port = free_port()
    server = start(LADING_LOG_LEVEL="warning", PORT=str(port))
    url = f"http://127.0.0.1:{port}/invocations"

    def is_ready():
        """Tell whether requests are answered."""
        try:
            return httpx.post(url, json={"prompt": "echo"}, timeout=PATIENCE_S).status_code == 200
        except httpx.TransportError:
            return False

    server.eventually(is_ready)
    httpx.post(url, json={"prompt": "raise x"}, timeout=PATIENCE_S)
    server.stop()

    assert "lading_runtime.access" not in server.log
    assert " WARNING " in next(line for line in server.log.splitlines() if "model raised" in line)


def test_a_level_that_is_none_ends_the_start(start):
    """A mistyped level is named before anything listens."""
    server = start(LADING_LOG_LEVEL="loud")

    assert server.process.wait(PATIENCE_S) == 2
    assert "LADING_LOG_LEVEL" in server.log


def test_statistics_of_inference_are_those_of_all_workers(start):
    """``/stats`` of the Open Inference Protocol counts on where a worker that has ended stopped."""
    server = start().until_ready()
    (worker,) = server.workers()

    def failed():
        """Return how many requests have failed, and when the last one was."""
        stats = server.get("/v2/models/model/stats").json()["model_stats"][0]
        return stats["inference_stats"]["fail"]["count"], stats["last_inference"] > 0

    assert failed() == (0, False)
    assert httpx.post(server.url + "/v2/models/model/infer", content=b"{", timeout=PATIENCE_S).is_error
    server.eventually(lambda: failed() == (1, True))
    os.kill(worker, signal.SIGKILL)
    server.eventually(lambda: server.workers() not in ([], [worker]))
    server.until_ready()
    assert httpx.post(server.url + "/v2/models/model/infer", content=b"{", timeout=PATIENCE_S).is_error

    server.eventually(lambda: failed() == (2, True))
