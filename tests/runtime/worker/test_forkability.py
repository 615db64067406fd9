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


NO_PROC = """
from pathlib import Path
from lading_runtime.worker import forkability
forkability.TASKS = Path("/nonexistent")
"""


@pytest.mark.parametrize(
    ("script", "strangers"),
    [("", 0), ("import numpy; numpy.ones((500, 500)) @ numpy.ones((500, 500))", 0), (NATIVE_THREAD, 1)],
    ids=["nothing", "linear algebra", "native thread"],
)
def test_without_a_process_file_system_threads_are_found(script, strangers):
    """In a bare chroot a library's thread is found all the same, and OpenBLAS's are known as such."""
    count = "\nprint(forkability.native_threads() - forkability.openblas_threads())\nimport os; os._exit(0)"
    command = [sys.executable, "-uc", NO_PROC + script + count]
    done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == str(strangers)


def test_threads_are_counted_alike_in_both_ways():
    """What the kernel answers one by one is what the process file system lists."""
    is_over = threading.Event()
    threads = [threading.Thread(target=is_over.wait) for _ in range(5)]
    for thread in threads:
        thread.start()
    listed = {int(task.name) for task in forkability.TASKS.iterdir()} - {threading.main_thread().native_id}
    found = set(forkability.other_threads())
    is_over.set()

    assert {thread.native_id for thread in threads} <= found
    assert found == listed
