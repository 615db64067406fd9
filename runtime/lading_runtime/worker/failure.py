"""Exceptions as errors of `lading_runtime.wire`: whose fault, which type, where in the model's own code."""

from __future__ import annotations

import re
import traceback
from pathlib import Path
from typing import Any, Callable, Iterator

from lading_runtime.worker.refusal import Refusal

PACKAGE = str(Path(__file__).resolve().parents[1])

FOREIGN_MODULES = frozenset(
    ["lading_runtime", "mlflow", "asyncio", "concurrent", "multiprocessing", "threading"]
)
"""Whose frames are not the model's: ours, the loader's, and what runs functions for others."""

FOREIGN_FILES = re.compile(
    r"(site|dist)-packages/mlflow/|python3\.\d+/(asyncio|concurrent|multiprocessing|threading)\b"
)
"""The same for functions that were pickled by value and forgot their module."""

CAUSE = "\nThe above exception was the direct cause of the following exception:\n\n"
CONTEXT = "\nDuring handling of the above exception, another exception occurred:\n\n"


def describe(error: BaseException, source: str, redact: Callable[[str], str]) -> dict[str, Any]:
    """Return *error* as an error of the wire."""
    return {
        "source": source,
        "type": type(error).__name__,
        "message": redact(text_of(error)),
        "stack_trace": stack_trace(error, redact),
    }


def describe_raised(error: BaseException, redact: Callable[[str], str]) -> dict[str, Any]:
    """Return what the model raised as an error of the wire."""
    if isinstance(error, (SystemExit, KeyboardInterrupt)):
        return describe(error, "exit", redact)
    if not (isinstance(error, Refusal) or is_mlflow_exception(error)):
        return describe(error, "model", redact)
    codes = {name: getattr(error, name, None) for name in ("error_code", "sqlstate", "error_class")}
    told = {name: str(code) for name, code in codes.items() if code is not None}
    return {**describe(error, "mlflow", redact), **told}


def is_mlflow_exception(error: BaseException) -> bool:
    """Tell whether *error* is an ``MlflowException``, without importing MLflow for that."""
    return any(
        kind.__name__ == "MlflowException" and kind.__module__.partition(".")[0] == "mlflow"
        for kind in type(error).__mro__
    )


def text_of(error: BaseException) -> str:
    """Return what *error* says; an exception whose own ``__str__`` fails says nothing."""
    try:
        return str(error)
    except BaseException:  # noqa: BLE001 - it is the model's code, and this is about another error already
        return ""


def stack_trace(error: BaseException, redact: Callable[[str], str]) -> str:
    """Return *error* and what caused it as Python prints them, with the model's own frames only."""
    return "".join(chain(error, redact, frozenset()))


def chain(error: BaseException, redact: Callable[[str], str], seen: frozenset[int]) -> Iterator[str]:
    """Yield the parts of a stack trace, the first cause first."""
    earlier = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if earlier is not None and id(earlier) not in seen:
        yield from chain(earlier, redact, seen | {id(error)})
        yield CAUSE if error.__cause__ else CONTEXT
    frames = [(frame, line) for frame, line in traceback.walk_tb(error.__traceback__) if is_own(frame)]
    if frames:
        yield "Traceback (most recent call last):\n"
        yield from traceback.StackSummary.extract(iter(frames)).format()
    text = redact(text_of(error))
    yield f"{type(error).__name__}: {text}\n" if text else f"{type(error).__name__}\n"


def is_own(frame: Any) -> bool:
    """Tell whether *frame* runs the model's code or that of its libraries."""
    module = str(frame.f_globals.get("__name__", "")).partition(".")[0]
    file = frame.f_code.co_filename
    is_machinery = file.startswith((PACKAGE, "<frozen importlib"))
    return not (is_machinery or module in FOREIGN_MODULES or FOREIGN_FILES.search(file))
