"""How many threads numerical libraries start in a model process, and how their threads wait for each other.

OpenMP and BLAS count the machine's processors, whatever the cgroup grants and however many model processes
share it. Their threads spin while they wait (libgomp's ``GOMP_SPINCOUNT``), which uses up the time that
those who still work were granted: one row of XGBoost's took 25 ms on a busy machine, and 2 ms with threads
that sleep. Variables that somebody has set are left as they are; a count of any library stands for all.
"""

from __future__ import annotations

from collections.abc import Mapping

COUNTS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
WAIT_POLICY = "OMP_WAIT_POLICY"
"""Of the OpenMP specification, 6.7; libgomp and Intel's library follow it."""


def thread_variables(environ: Mapping[str, str], cpus: float, pairs: int) -> dict[str, str]:
    """Return what *environ* lacks for *pairs* model processes that share *cpus* processors."""
    threads = max(1, int(cpus / pairs))
    has_count = any(environ.get(name) for name in COUNTS)
    counts = {} if has_count else dict.fromkeys(COUNTS, str(threads))
    return counts if environ.get(WAIT_POLICY) else {**counts, WAIT_POLICY: "PASSIVE"}
