"""Whether a process still works after a fork."""

import subprocess
import sys
import threading
from types import SimpleNamespace

import pytest
from lading_runtime.worker import forkability

AFTER = (
    "\nfrom lading_runtime.worker.forkability import reason_against_forking; print(reason_against_forking())"
)


def reason_after(script: str) -> str:
    """Return the reason in a process of its own that has run *script*."""
    command = [sys.executable, "-c", script + AFTER]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize(
    "script",
    ["", "import numpy, pandas", "import numpy; numpy.ones((500, 500)) @ numpy.ones((500, 500))"],
    ids=["nothing", "libraries", "linear algebra"],
)
def test_a_process_without_threads_of_its_own_may_be_forked(script):
    """Nothing speaks against a fork after imports, and after OpenBLAS has computed with its threads."""
    assert reason_after(script) == "None"


def test_a_python_thread_speaks_against_it():
    """A thread that was started is named as the reason."""
    start = "threading.Thread(target=time.sleep, args=(9,), daemon=True, name='poll').start()"

    assert "'poll'" in reason_after(f"import threading, time; {start}")


NATIVE_THREAD = """
import ctypes
libc = ctypes.CDLL(None)
sleep = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)(("sleep", libc))
thread = ctypes.c_ulong()
assert libc.pthread_create(ctypes.byref(thread), None, sleep, ctypes.c_void_p(60)) == 0
"""


def test_a_librarys_thread_speaks_against_it():
    """A thread that Python knows nothing of, as a library's pool starts them, is counted."""
    script = NATIVE_THREAD + AFTER + "\nimport os; os._exit(0)"
    command = [sys.executable, "-uc", script]
    done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "1 threads of its libraries would not run in a forked process"


@pytest.mark.parametrize(
    ("name", "module", "reason"),
    [
        ("torch", SimpleNamespace(cuda=SimpleNamespace(is_initialized=lambda: True)), "CUDA"),
        ("jpype", SimpleNamespace(isJVMStarted=lambda: True), "Java"),
        ("pyspark", SimpleNamespace(SparkContext=SimpleNamespace(_active_spark_context=1)), "Java"),
        ("tensorflow", SimpleNamespace(), "TensorFlow"),
    ],
)
def test_what_is_known_to_break_speaks_against_it(monkeypatch, name, module, reason):
    """CUDA, a Java machine and TensorFlow are asked by name: their threads may come only later."""
    monkeypatch.setitem(sys.modules, name, module)

    assert reason in str(forkability.reason_against_forking())


@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("torch", SimpleNamespace(cuda=SimpleNamespace(is_initialized=lambda: False))),
        ("jpype", SimpleNamespace(isJVMStarted=lambda: False)),
        ("pyspark", SimpleNamespace(SparkContext=SimpleNamespace(_active_spark_context=None))),
    ],
)
def test_what_only_might_break_does_not(monkeypatch, name, module):
    """A library that is imported, but has started nothing, is no reason."""
    monkeypatch.setitem(sys.modules, name, module)

    assert [is_initialised() for is_initialised in forkability.INITIALISED.values()] == [False] * 3


def test_a_thread_that_ends_while_it_is_counted_counts_not(tmp_path):
    """A task that is gone when its name is asked for has no name."""
    assert forkability.thread_name(tmp_path) is None


def test_without_a_process_file_system_nothing_native_is_known(monkeypatch, tmp_path):
    """Where the system tells no threads, only Python's count."""
    monkeypatch.setattr(forkability, "TASKS", tmp_path / "task")
    monkeypatch.setattr(forkability, "MAPS", tmp_path / "maps")

    assert threading.active_count() >= 1
    assert (forkability.native_threads(), forkability.openblas_threads()) == (0, 0)
