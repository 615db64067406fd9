"""Until when a model process lives."""

from pathlib import Path

import pytest
from lading_runtime.worker import lifetime
from lading_runtime.worker.lifetime import Limit


def test_a_limit_of_requests_is_reached_with_the_last_of_them():
    """The third of three requests is the last one."""
    limit = Limit.of({"max_requests": 3})

    assert [limit.is_reached() for _ in range(3)] == [False, False, True]


def test_without_limits_a_process_lives_for_ever():
    """A datagram that names no limits sets none."""
    assert not any(Limit.of({}).is_reached() for _ in range(1000))


def test_a_limit_of_memory_is_reached_by_what_is_resident():
    """Memory that has been written to counts."""
    limit = Limit.of({"max_rss_bytes": lifetime.rss_bytes() + (32 << 20)})
    limit.check_start()
    before = limit.is_reached()
    kept = bytearray(b"x") * (64 << 20)

    assert (before, limit.is_reached(), len(kept)) == (False, True, 64 << 20)


def test_a_limit_that_the_model_itself_exceeds_is_dropped_and_said(capfd):
    """No replacement would be smaller."""
    limit = Limit(max_rss_bytes=1)
    limit.check_start()

    assert not limit.is_reached()
    assert "LADING_MODEL_MAX_RSS" in capfd.readouterr().err


def test_without_a_process_file_system_the_peak_counts(monkeypatch, tmp_path):
    """Where nobody tells what is resident now, what ever was is known."""
    now = lifetime.rss_bytes()
    monkeypatch.setattr(lifetime, "MEMORY", tmp_path / "statm")

    assert lifetime.rss_bytes() >= now // 2


@pytest.mark.parametrize(("before", "after"), [("0", "200"), ("-997", "-797"), ("999", "1000")])
def test_the_kernel_takes_it_sooner(monkeypatch, tmp_path, before, after):
    """The score is raised by a fifth of all memory, and never above the highest."""
    score: Path = tmp_path / "oom_score_adj"
    score.write_text(before)
    monkeypatch.setattr(lifetime, "OOM_SCORE", score)
    lifetime.offer_to_the_oom_killer()

    assert score.read_text() == after
