"""Errors → HTTP: the one table, after MLflow's (``mlflow.exceptions``, ``mlflow.error_classification``)."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from lading_runtime import errors


class Problem(NamedTuple):
    """How an error is said in HTTP."""

    status: int
    error_code: str
    sqlstate: str | None = None
    error_class: str | None = None


BAD_REQUEST = Problem(400, "BAD_REQUEST", "KAM00", "INVALID_PARAMETER_VALUE")
INTERNAL_ERROR = Problem(500, "INTERNAL_ERROR", "XXM00", "CLIENT_INTERNAL_ERROR")

PROBLEMS: dict[type[errors.ScoringError], Problem] = {
    errors.ScoringError: INTERNAL_ERROR,
    errors.RequestError: BAD_REQUEST,
    errors.Unauthenticated: Problem(401, "UNAUTHENTICATED"),
    errors.UnsupportedMediaType: BAD_REQUEST._replace(status=415),
    errors.BodyTooLarge: BAD_REQUEST._replace(status=413),
    errors.BodyTooSlow: BAD_REQUEST._replace(status=408),
    errors.MalformedBody: BAD_REQUEST,
    errors.UnknownModel: Problem(404, "RESOURCE_DOES_NOT_EXIST"),
    errors.Unsupported: Problem(501, "NOT_IMPLEMENTED"),
    errors.SchemaViolation: Problem(400, "INVALID_PARAMETER_VALUE", "KAM01", "SCHEMA_ENFORCEMENT_FAILED"),
    errors.TypeHintViolation: Problem(400, "INVALID_PARAMETER_VALUE", "KAM00", "INVALID_PARAMETER_VALUE"),
    errors.InvalidParams: Problem(400, "INVALID_PARAMETER_VALUE", "KAM00", "INVALID_PARAMETER_VALUE"),
    errors.ModelError: BAD_REQUEST,
    errors.OutputError: INTERNAL_ERROR,
    errors.DeadlineExceeded: Problem(504, "DEADLINE_EXCEEDED"),
    errors.ModelProcessLost: INTERNAL_ERROR,
    errors.Overloaded: Problem(503, "TEMPORARILY_UNAVAILABLE", "XXM00", "CLIENT_INTERNAL_ERROR"),
    errors.NotReady: Problem(503, "TEMPORARILY_UNAVAILABLE", "XXM00", "CLIENT_INTERNAL_ERROR"),
}
"""A type that is not here is said as its nearest base is."""

REPORTED_STATUS = {
    "BAD_REQUEST": 400,
    "INVALID_PARAMETER_VALUE": 400,
    "RESOURCE_ALREADY_EXISTS": 400,
    "CUSTOMER_UNAUTHORIZED": 401,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "ENDPOINT_NOT_FOUND": 404,
    "NOT_FOUND": 404,
    "RESOURCE_DOES_NOT_EXIST": 404,
    "ABORTED": 409,
    "ALREADY_EXISTS": 409,
    "RESOURCE_CONFLICT": 409,
    "REQUEST_LIMIT_EXCEEDED": 429,
    "RESOURCE_EXHAUSTED": 429,
    "CANCELLED": 499,
    "NOT_IMPLEMENTED": 501,
    "TEMPORARILY_UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}
"""``ERROR_CODE_TO_HTTP_STATUS`` of MLflow without its 500s, which are what every other code gives."""

RETRY_AFTER_S = 1
"""What a client that comes too early is told to wait."""


def problem_of(error: errors.ScoringError) -> Problem:
    """Return how *error* is said."""
    if isinstance(error, errors.ReportedError):
        status = REPORTED_STATUS.get(error.error_code, INTERNAL_ERROR.status)
        return Problem(status, error.error_code, error.sqlstate, error.error_class)
    return next(PROBLEMS[kind] for kind in type(error).__mro__ if kind in PROBLEMS)


class ProblemFormat(Protocol):
    """How errors are said on a route."""

    def status(self, error: errors.ScoringError) -> int:
        """Return the status of the response."""

    def fields(self, error: errors.ScoringError, *, has_stack_traces: bool) -> dict[str, str]:
        """Return the members of its JSON body."""


class MlflowProblems:
    """As MLflow's scoring server says them."""

    def status(self, error: errors.ScoringError) -> int:
        """Return the status of the response."""
        return problem_of(error).status

    def fields(self, error: errors.ScoringError, *, has_stack_traces: bool) -> dict[str, str]:
        """Return the members of its JSON body."""
        problem = problem_of(error)
        fields = {
            "error_code": problem.error_code,
            "message": error.message,
            "sqlstate": problem.sqlstate,
            "error_class": problem.error_class,
            "stack_trace": getattr(error, "stack_trace", None) if has_stack_traces else None,
        }
        return {name: _encodable(value) for name, value in fields.items() if value is not None}


MLFLOW_PROBLEMS = MlflowProblems()


class OpenInferenceProblems:
    """As the Open Inference Protocol says them: ``{"error": "…"}``, and a model that raises is a 500."""

    def status(self, error: errors.ScoringError) -> int:
        """Return the status of the response."""
        is_models = isinstance(error, errors.ModelError)
        return INTERNAL_ERROR.status if is_models else problem_of(error).status

    def fields(self, error: errors.ScoringError, *, has_stack_traces: bool) -> dict[str, str]:  # noqa: ARG002 - the format's
        """Return the members of its JSON body."""
        return {"error": _encodable(error.message)}


OPEN_INFERENCE_PROBLEMS = OpenInferenceProblems()


def _encodable(text: str) -> str:
    """Return *text* without what is no Unicode (lone surrogates), which models may say: no reason to fail."""
    return text.encode("utf-8", "replace").decode()
