"""How estimators predict from arrays: by their formulas, where they have one, and step by step."""

from __future__ import annotations

import copy
from typing import Any, Sequence

from lading_runtime.worker.formulas.choice import formula_of
from lading_runtime.worker.formulas.trial import MAX_FEATURES, Step, tried
from lading_runtime.worker.log import report


def in_turn(estimator: Any, parts: Sequence[Any], name: str) -> Step:
    """Return the method *name* of *estimator*, of an array.

    Args:
        estimator: a pipeline or anything else; scikit-learn's own, unchanged.
        parts: what it consists of, itself if it is no pipeline.
        name: a method that takes nothing but an array.
    """
    methods = [*("transform" for _ in parts[1:]), name]
    steps = [step_of(part, method) for part, method in zip(parts, methods)]
    if not any(steps):
        own: Step = getattr(estimator, name)
        return own
    return joined([step or getattr(part, method) for step, part, method in zip(steps, parts, methods)])


def joined(steps: Sequence[Step]) -> Step:
    """Return the last of *steps*, of what the others before it make of an array."""
    if len(steps) == 1:
        return steps[0]

    def last(data: Any) -> Any:
        for step in steps:
            data = step(data)
        return data

    return last


def step_of(estimator: Any, name: str) -> Step | None:
    """Return the method *name* of *estimator* by its formula; None if it has none that says the same."""
    features = int(getattr(estimator, "n_features_in_", 0))
    if not 0 < features <= MAX_FEATURES:
        return None
    try:
        formula = formula_of(estimator, name)
        if formula is None:
            return None
        return tried(formula, getattr(estimator, name), features, reference=getattr(alone(estimator), name))
    except Exception as error:  # noqa: BLE001 - of a version that nobody knows yet; it predicts as it always did
        report(f"{type(estimator).__name__} predicts without a formula ({type(error).__name__})")
        return None


def alone(estimator: Any) -> Any:
    """Return *estimator* as one that adds up in one order, and does not tell how far it is.

    Threads add up in the order in which they end.
    """
    if getattr(estimator, "n_jobs", None) in (None, 0, 1) and not getattr(estimator, "verbose", 0):
        return estimator
    twin = copy.copy(estimator)
    twin.n_jobs, twin.verbose = 1, 0
    return twin
