"""Limits come from the cgroup, of either version, wherever in its tree they stand."""

import os

import pytest
from lading_runtime.server.cgroup import Limits, read_limits

GIB = 1 << 30


@pytest.fixture(autouse=True)
def eight_processors(monkeypatch):
    """This process may run on eight processors."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))


def write(root, **files):
    """Write files; ``__`` in a name is a folder's end, ``_DOT_`` a dot."""
    for name, text in files.items():
        file = root / name.replace("__", "/").replace("_DOT_", ".")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


def test_without_a_cgroup_the_processors_count(tmp_path):
    """Where no cgroup can be read, the processors that this process may use are the limit."""
    assert read_limits(tmp_path) == Limits(cpus=8, memory_bytes=None)


def test_version_2(tmp_path):
    """``cpu.max`` is quota and period, ``memory.max`` bytes."""
    write(
        tmp_path,
        proc__self__cgroup="0::/\n",
        sys__fs__cgroup__cpu_DOT_max="250000 100000\n",
        sys__fs__cgroup__memory_DOT_max=f"{GIB}\n",
    )

    assert read_limits(tmp_path) == Limits(cpus=2.5, memory_bytes=GIB)


def test_version_2_without_limits(tmp_path):
    """``max`` is no limit."""
    write(
        tmp_path,
        proc__self__cgroup="0::/\n",
        sys__fs__cgroup__cpu_DOT_max="max 100000\n",
        sys__fs__cgroup__memory_DOT_max="max\n",
    )

    assert read_limits(tmp_path) == Limits(cpus=8, memory_bytes=None)


def test_the_tightest_ancestor_counts(tmp_path):
    """A slice may limit more than the service in it."""
    write(
        tmp_path,
        proc__self__cgroup="0::/a.slice/b.service\n",
        sys__fs__cgroup__a_DOT_slice__cpu_DOT_max="100000 100000",
        sys__fs__cgroup__a_DOT_slice__b_DOT_service__cpu_DOT_max="400000 100000",
        sys__fs__cgroup__a_DOT_slice__b_DOT_service__memory_DOT_max=str(2 * GIB),
    )

    assert read_limits(tmp_path) == Limits(cpus=1, memory_bytes=2 * GIB)


def test_version_1(tmp_path):
    """Each controller has a tree; the path may be the host's, which the container does not see."""
    write(
        tmp_path,
        proc__self__cgroup="5:cpu,cpuacct:/docker/abc\n4:memory:/docker/abc\n0::/system.slice\n",
        sys__fs__cgroup__cpu__cpu_DOT_cfs_quota_us="150000\n",
        sys__fs__cgroup__cpu__cpu_DOT_cfs_period_us="100000\n",
        sys__fs__cgroup__memory__memory_DOT_limit_in_bytes=f"{GIB}\n",
    )

    assert read_limits(tmp_path) == Limits(cpus=1.5, memory_bytes=GIB)


def test_version_1_without_limits(tmp_path):
    """-1, and a number next to 2^63, are no limits."""
    write(
        tmp_path,
        proc__self__cgroup="5:cpu:/\n4:memory:/\n",
        sys__fs__cgroup__cpu__cpu_DOT_cfs_quota_us="-1\n",
        sys__fs__cgroup__cpu__cpu_DOT_cfs_period_us="100000\n",
        sys__fs__cgroup__memory__memory_DOT_limit_in_bytes="9223372036854771712\n",
    )

    assert read_limits(tmp_path) == Limits(cpus=8, memory_bytes=None)


@pytest.mark.parametrize(
    ("limits", "pairs"),
    [
        (Limits(0.5, None), 1),
        (Limits(1.9, None), 1),
        (Limits(4, None), 4),
        (Limits(4, GIB // 2), 2),
        (Limits(4, 1 << 20), 1),
    ],
)
def test_the_number_of_pairs_fits_into_both_limits(limits, pairs):
    """There is a pair per whole processor and per 256 MiB, and always one."""
    assert limits.pairs == pairs
