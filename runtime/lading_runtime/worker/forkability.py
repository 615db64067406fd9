"""Whether a loaded model still predicts after its process was forked.

Only the thread that forks lives on in the child. A library that started threads while the model was
loaded waits in the child, forever, for threads that are not there: OpenMP after a parallel region,
ONNX Runtime's sessions, a Java machine, CUDA's driver. So the rule: **a process that runs a thread which is
not known to survive a fork is not forkable.** Known are OpenBLAS's (it restarts them in the child) and
jemalloc's (it restarts it as well). Where the rule errs, memory is not shared; nothing breaks.
"""

from __future__ import annotations

import ctypes
import os
import re
import sys
import threading
from pathlib import Path
from typing import Any

OPENBLAS_FUNCTIONS = tuple(
    f"{prefix}openblas_get_num_threads{suffix}" for prefix in ("", "scipy_") for suffix in ("", "64_", "_64")
)
"""How the builds of OpenBLAS that wheels carry name the same function."""

SURVIVING_THREADS = frozenset(["jemalloc_bg_thd"])
"""Names of threads that their library restarts in a forked process."""

OPENBLAS = re.compile(r"openblas[^/]*\.so[^/]*$")
TASKS = Path("/proc/self/task")
LAST_ID = 1 << 22
"""No thread's id is larger (``PID_MAX_LIMIT`` of Linux)."""


def reason_against_forking() -> str | None:
    """Return why this process must not be forked, or None if nothing speaks against it."""
    names = [name for name, is_initialised in INITIALISED.items() if is_initialised()]
    if names:
        return f"{names[0]} cannot be used in a forked process"
    python_threads = [
        thread.name for thread in threading.enumerate() if thread is not threading.main_thread()
    ]
    if python_threads:
        return f"the thread {python_threads[0]!r} would not run in a forked process"
    strangers = native_threads() - openblas_threads()
    return (
        f"{strangers} threads of its libraries would not run in a forked process" if strangers > 0 else None
    )


def is_tensorflow_loaded() -> bool:
    """Tell whether TensorFlow, whose sessions no fork survives, is loaded."""
    return "tensorflow" in sys.modules


def is_cuda_initialised() -> bool:
    """Tell whether PyTorch uses a GPU: CUDA refuses to work in forked processes."""
    cuda = getattr(sys.modules.get("torch"), "cuda", None)
    return cuda is not None and bool(cuda.is_initialized())


def is_java_running() -> bool:
    """Tell whether a Java machine runs in this process, or Spark holds one in another."""
    jpype, pyspark = sys.modules.get("jpype"), sys.modules.get("pyspark")
    context: Any = getattr(getattr(pyspark, "SparkContext", None), "_active_spark_context", None)
    return context is not None or (jpype is not None and bool(jpype.isJVMStarted()))


INITIALISED = {"TensorFlow": is_tensorflow_loaded, "CUDA": is_cuda_initialised, "Java": is_java_running}
"""What is asked by name, because its threads may come only later."""


def native_threads() -> int:
    """Return how many threads this process has beside the main one and those that survive."""
    if not TASKS.is_dir():
        return len(other_threads())
    names = [thread_name(task) for task in TASKS.iterdir()]
    return sum(name is not None and name not in SURVIVING_THREADS for name in names) - 1


def other_threads() -> list[int]:
    """Return the ids of all threads but the main one, where no process file system lists them.

    Ids are given in ascending order, so those of this process lie between its own and that of a thread
    which is made now; whether one is its own, a signal that is none asks (tgkill(2)).
    """
    newest: list[int] = []
    thread = threading.Thread(target=lambda: newest.append(threading.get_native_id()))
    thread.start()
    thread.join()
    main = os.getpid()
    after = (
        range(main + 1, newest[0]) if newest[0] > main else [*range(2, newest[0]), *range(main + 1, LAST_ID)]
    )
    tgkill = getattr(ctypes.CDLL(None), "tgkill", None)
    if tgkill is None:  # a C library that is not GNU's, or older than 2.30: there might be any
        return [main]
    return [number for number in after if tgkill(main, number, 0) == 0]


def thread_name(task: Path) -> str | None:
    """Return the name of a thread, or None if it has just ended."""
    try:
        return (task / "comm").read_text().strip()
    except OSError:
        return None


def openblas_threads() -> int:
    """Return how many threads the loaded copies of OpenBLAS keep, beside the one that calls them."""
    return sum(threads_of(file) - 1 for file in loaded_libraries() if OPENBLAS.search(file))


class LoadedObject(ctypes.Structure):
    """The beginning of what dl_iterate_phdr(3) tells of a shared object."""

    _fields_ = (("address", ctypes.c_void_p), ("name", ctypes.c_char_p))


NOTE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(LoadedObject), ctypes.c_size_t, ctypes.c_void_p)


def loaded_libraries() -> set[str]:
    """Return the files of all shared objects in this process, as the loader itself knows them."""
    found: set[str] = set()

    def note(loaded: Any, _size: int, _data: object) -> int:
        found.add(os.fsdecode(loaded.contents.name or b""))
        return 0

    ctypes.CDLL(None).dl_iterate_phdr(NOTE(note), None)
    return found


def threads_of(file: str) -> int:
    """Return how many threads the OpenBLAS in *file*, which is loaded, computes with."""
    library = ctypes.CDLL(file)
    functions = [getattr(library, name, None) for name in OPENBLAS_FUNCTIONS]
    return next((int(function()) for function in functions if function is not None), 1)
