"""Whether an array is a data frame or a series: scikit-learn asks that again and again, for nothing.

From version 1.9 on scikit-learn asks narwhals, which looks through the attributes of the array's class and
through every library of data frames that is imported: nearly half of the time of a small prediction. Of
arrays of NumPy's own class, whose instances have no attributes of their own, the answer is always the same.
"""

from __future__ import annotations

import importlib
import sys
from functools import wraps
from typing import Any, Callable

ASKED = "narwhals.stable.v2.dependencies"
QUESTIONS = ("is_into_dataframe", "is_into_series")

Question = Callable[..., bool]


def answer_for_arrays() -> None:
    """Have narwhals, if it is there, answer these questions at once for arrays; all else is as before."""
    asked = sys.modules.get(ASKED)
    for name in QUESTIONS:
        question = getattr(asked, name, None)
        if question is not None:
            setattr(asked, name, answering(question))


def answering(question: Question) -> Question:
    """Return *question* with its answer for arrays remembered; unchanged if that is not a plain no."""
    ndarray = importlib.import_module("numpy").ndarray
    try:
        is_no = question(ndarray((1, 1))) is False
    except Exception:  # noqa: BLE001 - of a version that nobody knows yet; it is asked what it was, then
        is_no = False
    if not is_no:
        return question

    @wraps(question)
    def answer(*asked: Any, **named: Any) -> bool:
        # A subclass may be anything.
        if len(asked) == 1 and type(asked[0]) is ndarray:
            return False
        return question(*asked, **named)

    return answer
