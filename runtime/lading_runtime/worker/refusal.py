"""Data that a model does not predict from, refused as MLflow's wrapper of the same flavour refuses it."""

from __future__ import annotations

CLASSES = {
    "INTERNAL_ERROR": ("XXM00", "CLIENT_INTERNAL_ERROR"),
    "INVALID_PARAMETER_VALUE": ("KAM00", "INVALID_PARAMETER_VALUE"),
}
"""``sqlstate`` and ``error_class`` of the codes that the wrappers use (``mlflow.error_classification``)."""


class Refusal(Exception):
    """Where MLflow's wrapper raises an ``MlflowException``, and its code decides the status of the answer."""

    def __init__(self, message: str, error_code: str = "INTERNAL_ERROR") -> None:
        super().__init__(message)
        self.error_code = error_code
        self.sqlstate, self.error_class = CLASSES[error_code]
