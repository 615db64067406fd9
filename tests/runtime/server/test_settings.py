"""Settings come from the environment, once, and a bad one is named."""

import sys

import pytest
from lading_runtime.server.cgroup import Limits
from lading_runtime.server.settings import BadSetting, Settings

LIMITS = Limits(cpus=3, memory_bytes=None)


@pytest.fixture
def environ(tmp_path):
    """The least that must be said outside of an image."""
    return {"LADING_MODEL": str(tmp_path), "LADING_MODEL_PYTHON": sys.executable}


def test_defaults(environ):
    """Without a word, the server is MLflow's container: port 8080, 60 s, 100 MiB; pairs by the cgroup."""
    settings = Settings.read(environ, LIMITS)

    assert settings.bind == "0.0.0.0:8080"
    assert settings.workers == 3
    assert settings.request_timeout_s == 60
    assert settings.max_body_bytes == 100 * 1024 * 1024
    assert settings.has_stack_traces
    assert settings.log_format == "text"


def test_the_largest_machines_get_as_many_workers_as_can_be_counted(environ):
    """A machine with more processors than there may be workers starts with the most."""
    assert Settings.read(environ, Limits(cpus=1000, memory_bytes=None)).workers == 256


@pytest.mark.parametrize(
    ("cpus", "workers", "busy_poll_us"),
    [(4, "2", 300), (3.5, "2", 0), (2, "1", 300), (1, "1", 0), (4, "", 0)],
)
def test_pairs_stay_awake_where_they_have_two_processors(environ, cpus, workers, busy_poll_us):
    """Messages are looked for only where that takes no processor from another pair."""
    limits = Limits(cpus=cpus, memory_bytes=None)

    assert Settings.read({**environ, "MLFLOW_MODELS_WORKERS": workers}, limits).busy_poll_us == busy_poll_us


@pytest.mark.parametrize(("said", "busy_poll_us"), [("0", 0), ("50", 50), ("100000", 100_000)])
def test_whoever_knows_better_says_how_long_to_stay_awake(environ, said, busy_poll_us):
    """``LADING_BUSY_POLL_US`` counts on every machine."""
    assert Settings.read({**environ, "LADING_BUSY_POLL_US": said}, LIMITS).busy_poll_us == busy_poll_us


def test_an_empty_value_counts_as_absent(environ):
    """``-e PORT=`` asks for the default."""
    assert Settings.read({**environ, "PORT": ""}, LIMITS).bind == "0.0.0.0:8080"


@pytest.mark.parametrize(
    ("said", "bind"),
    [
        ({"PORT": "9000"}, "0.0.0.0:9000"),
        ({"AIP_HTTP_PORT": "7080"}, "0.0.0.0:7080"),
        ({"AIP_HTTP_PORT": "7080", "PORT": "9000"}, "0.0.0.0:9000"),
        ({"LADING_HOST": "127.0.0.1"}, "127.0.0.1:8080"),
        ({"LADING_HOST": "::"}, "[::]:8080"),
        ({"LADING_HOST": "[::1]"}, "[::1]:8080"),
    ],
)
def test_address(environ, said, bind):
    """The address is ``LADING_HOST`` and ``PORT``, or the port that Vertex AI names."""
    assert Settings.read({**environ, **said}, LIMITS).bind == bind


@pytest.mark.parametrize(("timeout_s", "graceful_s"), [("1", 30), ("60", 66), ("0.5", 30)])
def test_a_drain_is_never_shorter_than_a_request(environ, timeout_s, graceful_s):
    """What was accepted is answered within its deadline, and so before the drain is cut off."""
    settings = Settings.read({**environ, "MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT": timeout_s}, LIMITS)

    assert settings.graceful_timeout_s == graceful_s


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LADING_MODEL", "/nonexistent"),
        ("LADING_MODEL_PYTHON", "/nonexistent/python"),
        ("PORT", "http"),
        ("PORT", "65536"),
        ("AIP_HTTP_PORT", "-1"),
        ("MLFLOW_MODELS_WORKERS", "0"),
        ("MLFLOW_MODELS_WORKERS", "two"),
        ("MLFLOW_MODELS_WORKERS", "257"),
        ("AIP_HEALTH_ROUTE", "/{path:path}"),
        ("AIP_PREDICT_ROUTE", "{a}"),
        ("AIP_PREDICT_ROUTE", "/a}"),
        ("MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT", "0"),
        ("MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT", "nan"),
        ("LADING_BUSY_POLL_US", "100001"),
        ("LADING_BUSY_POLL_US", "-1"),
        ("LADING_BUSY_POLL_US", "0.5"),
        ("LADING_BATCH_MAX_DELAY_MS", "soon"),
        ("LADING_BATCH_MAX_DELAY_MS", "60000"),
        ("LADING_MAX_BODY_BYTES", "1MB"),
        ("LADING_STACK_TRACES", "perhaps"),
        ("LADING_LOG_FORMAT", "xml"),
        ("LADING_LOAD_FAILURE_GRACE_S", "-1"),
        ("LADING_DRAIN_DELAY_S", "inf"),
    ],
)
def test_a_bad_value_names_its_variable(environ, name, value):
    """The error is one line that says which variable, what it must be, and what it is."""
    with pytest.raises(BadSetting) as raised:
        Settings.read({**environ, name: value}, LIMITS)

    text = str(raised.value)
    assert text.startswith(f"{name}: expected ")
    assert repr(value) in text
    assert "\n" not in text


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [("0", 0), ("1500000000", 1_500_000_000), ("800M", 800_000_000), ("2Gi", 2 << 30), ("1.5 GiB", 3 << 29)],
)
def test_sizes_have_units(environ, text, size_bytes):
    """Sizes are bytes, or as Kubernetes and people write them: M is a million, Mi is 2^20."""
    settings = Settings.read({**environ, "LADING_MODEL_MAX_RSS": text}, LIMITS)

    assert settings.model_max_rss_bytes == size_bytes


@pytest.mark.parametrize("text", ["much", "1X", "i", "-1", "M", "1.5.2G", "9" * 400, "9000000000Gi"])
def test_strange_sizes_are_refused(environ, text):
    """What is no size is named with its setting."""
    with pytest.raises(BadSetting, match="LADING_MODEL_MAX_RSS: expected a number of bytes"):
        Settings.read({**environ, "LADING_MODEL_MAX_RSS": text}, LIMITS)


def test_a_request_never_waits_for_others_beyond_its_deadline(environ):
    """A delay for batches is allowed if what has waited for so long can still be answered."""
    waiting = {**environ, "LADING_BATCH_MAX_DELAY_MS": "2000"}

    assert Settings.read(waiting, LIMITS).batch_max_delay_s == 2
    with pytest.raises(BadSetting, match="LADING_BATCH_MAX_DELAY_MS: expected less than MLFLOW_SCORING_"):
        Settings.read({**waiting, "MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT": "2"}, LIMITS)
