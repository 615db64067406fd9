"""Whether a model's function is given the request's params."""

from __future__ import annotations

import inspect
from typing import Any, Callable

from lading_runtime.worker.model import Params


def passing_params(function: Callable[..., Any]) -> Callable[[Any, Params], Any]:
    """Return *function* as one of data and params, which it gets only if it has a parameter of that name.

    A ``**params`` does not count (``mlflow.pyfunc.PyFuncModel._predict``).
    """
    if takes_params(function):
        return lambda data, params: function(data, params=params)
    return lambda data, _params: function(data)


def takes_params(function: Callable[..., Any]) -> bool:
    """Tell whether *function* has a parameter ``params``."""
    try:
        parameter = inspect.signature(function).parameters.get("params")
    except (TypeError, ValueError):  # some functions of extension modules have no signature
        return False
    return parameter is not None and parameter.kind is not inspect.Parameter.VAR_KEYWORD
