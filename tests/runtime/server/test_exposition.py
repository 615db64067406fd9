"""Metrics as text, which Prometheus' own parsers read back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lading_runtime.server.exposition import (
    Exposed,
    Sample,
    histogram,
    labels_of,
    render,
    wants_open_metrics,
)
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as prometheus

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Zl", "Zp"]) | st.just("\n"))
PARSERS = {True: open_metrics, False: prometheus}


def parsed(family, *, is_open):
    """Return the only family in a text."""
    (found,) = PARSERS[is_open](render([family], is_open=is_open).decode())
    return found


@pytest.mark.parametrize("is_open", [True, False])
@given(label=TEXT, value=st.floats(min_value=0, allow_infinity=False, allow_nan=False))
def test_any_label_and_value_is_read_back(is_open, label, value):
    """Quotes, backslashes and line breaks in labels, and every number, survive."""
    family = Exposed("jobs", "gauge", "Jobs.", (Sample("", labels_of({"name": label}), value),))

    (sample,) = parsed(family, is_open=is_open).samples

    assert sample.labels == {"name": label}
    assert sample.value == value


@pytest.mark.parametrize("is_open", [True, False])
def test_a_counter_is_a_total(is_open):
    """Samples of counters end with ``_total``, whichever way their family is named."""
    family = Exposed("jobs", "counter", "Jobs.", (Sample("", (), 2.0),))

    found = parsed(family, is_open=is_open)

    assert found.type == "counter"
    assert [(sample.name, sample.value) for sample in found.samples] == [("jobs_total", 2.0)]


@pytest.mark.parametrize("is_open", [True, False])
def test_a_histogram_accumulates(is_open):
    """Each bucket counts what is below its end; the last one counts everything."""
    samples = histogram((("stage", "model"),), (0.1, 1.0), (1.0, 2.0, 3.0), 9.5)

    found = parsed(Exposed("t_seconds", "histogram", "Time.", tuple(samples)), is_open=is_open)

    buckets = {sample.labels["le"]: sample.value for sample in found.samples if "le" in sample.labels}
    assert buckets == {"0.1": 1.0, "1.0": 3.0, "+Inf": 6.0}
    assert {sample.name: sample.value for sample in found.samples if "le" not in sample.labels} == {
        "t_seconds_sum": 9.5,
        "t_seconds_count": 6.0,
    }


@pytest.mark.parametrize(
    ("accept", "is_open"),
    [
        (b"", False),
        (b"*/*", False),
        (b"text/plain;version=0.0.4", False),
        (b"application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.2", True),
        (b"text/plain, Application/OpenMetrics-Text", True),
        (b"application/openmetrics-text;q=0", False),
        (b"application/openmetrics-text; version=1.0.0; Q=0.000 , text/plain", False),
        (b"application/openmetrics-text;q=0.001", True),
        (b"application/openmetrics-text;q=0, application/openmetrics-text;q=1", True),
    ],
)
def test_open_metrics_must_be_named(accept, is_open):
    """Who does not name OpenMetrics, or says "not that" (q=0), gets the older format, which all read."""
    assert wants_open_metrics(accept) is is_open
