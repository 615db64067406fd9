"""Which scikit-learn estimators predict from a bare NumPy array as from the data frame with its columns.

scikit-learn turns a data frame of one dtype into an array first, which takes most of the time of a small
prediction, and compares the names of its columns with those that the estimator was fitted with. If the
names are known to be equal, nothing is left that an estimator could look at; provided that it is
scikit-learn's own, unchanged, of a kind that does no more with its input than `check_array`. Others may
choose columns by name or by dtype, or call somebody's code, and get the data frame.
"""

from __future__ import annotations

import sys
from typing import Any, Callable, Iterator, Sequence

MODULES = (
    "sklearn.cluster._kmeans",
    "sklearn.discriminant_analysis",
    "sklearn.ensemble._forest",
    "sklearn.ensemble._gb",
    "sklearn.linear_model._base",
    "sklearn.linear_model._bayes",
    "sklearn.linear_model._coordinate_descent",
    "sklearn.linear_model._glm.glm",
    "sklearn.linear_model._huber",
    "sklearn.linear_model._least_angle",
    "sklearn.linear_model._logistic",
    "sklearn.linear_model._perceptron",
    "sklearn.linear_model._ridge",
    "sklearn.linear_model._stochastic_gradient",
    "sklearn.naive_bayes",
    "sklearn.neighbors._classification",
    "sklearn.neighbors._regression",
    "sklearn.neural_network._multilayer_perceptron",
    "sklearn.preprocessing._data",
    "sklearn.svm._classes",
    "sklearn.tree._classes",
)
"""Where the estimators are defined that do so: none of them is a wrapper of another estimator."""

PIPELINE = "sklearn.pipeline.Pipeline"
NAMES = "feature_names_in_"
"""What scikit-learn remembers of the columns of the data frame that it was fitted with."""


def array_acceptor(estimator: Any) -> Callable[[Sequence[Any]], bool] | None:
    """Return what tells whether columns of these names may come as an array; None if none may."""
    parts = list(parts_of(estimator))
    if not parts or not all(map(is_plain, parts)) or is_output_configured():
        return None
    known = getattr(parts[0], NAMES, None)
    names = None if known is None else [str(name) for name in known]
    return lambda columns: names is None or columns == names


def without_names(estimator: Any) -> Any:
    """Return a plain *estimator*, or a pipeline of such, as if it had been fitted with an array.

    It shares what it has learnt. One that was fitted with a data frame warns of each array that it has no
    names; they have been compared already.
    """
    bare = object.__new__(type(estimator))
    vars(bare).update(vars(estimator))
    vars(bare).pop(NAMES, None)
    if full_name(type(estimator)) == PIPELINE:
        bare.steps = [
            (name, without_names(step) if is_step(step) else step) for name, step in estimator.steps
        ]
    return bare


def parts_of(estimator: Any) -> Iterator[Any]:
    """Yield the steps of a pipeline, or the estimator itself."""
    is_pipeline = full_name(type(estimator)) == PIPELINE and is_unchanged(estimator)
    if not is_pipeline or estimator.memory is not None:
        yield estimator
        return
    for _, step in estimator.steps:
        if is_step(step):
            yield from parts_of(step)


def is_step(step: Any) -> bool:
    """Tell whether a *step* of a pipeline does something: it may be None or "passthrough"."""
    return step is not None and not isinstance(step, str)


def is_plain(part: Any) -> bool:
    """Tell whether *part* is scikit-learn's own, of a kind that does not look at its input's columns."""
    return type(part).__module__ in MODULES and is_unchanged(part)


def is_unchanged(part: Any) -> bool:
    """Tell whether nobody has put other methods on *part*, or asked it for data frames."""
    own = vars(part)
    has_methods = any(callable(getattr(type(part), name, None)) for name in own)
    return not has_methods and "_sklearn_output_config" not in own


def is_output_configured() -> bool:
    """Tell whether transformers have been told to give data frames to those after them."""
    sklearn = sys.modules.get("sklearn")
    config = {} if sklearn is None else sklearn.get_config()
    return bool(config.get("transform_output", "default") != "default")


def full_name(kind: type) -> str:
    """Return the module and the name of a class."""
    return f"{kind.__module__}.{kind.__qualname__}"
