"""A body may become only so much, in cells and in bytes."""

import resource

import pytest
from lading_runtime.worker import allowance
from lading_runtime.worker.allowance import MAX_CELLS, MAX_GROWTH_BYTES, bounded_growth, check_cells
from lading_runtime.worker.problems import PayloadError


def test_a_table_has_a_largest_size():
    """One cell more than the most is refused, before anything is read."""
    check_cells(MAX_CELLS)

    with pytest.raises(PayloadError, match="the most"):
        check_cells(MAX_CELLS + 1)


def test_what_is_too_large_is_refused():
    """An allocation beyond what the process may grow by is the body's fault; smaller ones succeed."""
    before = resource.getrlimit(resource.RLIMIT_DATA)

    with pytest.raises(PayloadError, match="becomes more than"), bounded_growth():
        bytearray(2 * MAX_GROWTH_BYTES)
    with bounded_growth():
        assert len(bytearray(1 << 20)) == 1 << 20

    assert resource.getrlimit(resource.RLIMIT_DATA) == before


def test_a_lower_limit_stays():
    """A limit that the process has already is not raised."""
    before = resource.getrlimit(resource.RLIMIT_DATA)
    lower = allowance._data_bytes() + MAX_GROWTH_BYTES // 2
    resource.setrlimit(resource.RLIMIT_DATA, (lower, before[1]))
    try:
        with bounded_growth():
            assert resource.getrlimit(resource.RLIMIT_DATA)[0] == lower
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)


def test_without_the_size_of_the_process_there_is_no_limit(monkeypatch, tmp_path):
    """Where the kernel does not tell, a limit could be below what the process has."""
    monkeypatch.setattr(allowance, "STATM", tmp_path / "absent")
    before = resource.getrlimit(resource.RLIMIT_DATA)

    with bounded_growth():
        assert resource.getrlimit(resource.RLIMIT_DATA) == before
