"""Errors are said in HTTP as MLflow says them, by one table."""

import json
from pathlib import Path

import pytest
from lading_runtime import errors
from lading_runtime.server.problems import MLFLOW_PROBLEMS, REPORTED_STATUS, problem_of
from lading_runtime.server.responses import problem_response


@pytest.mark.parametrize(
    ("kind", "status", "error_code", "sqlstate"),
    [
        (errors.UnsupportedMediaType, 415, "BAD_REQUEST", "KAM00"),
        (errors.BodyTooLarge, 413, "BAD_REQUEST", "KAM00"),
        (errors.BodyTooSlow, 408, "BAD_REQUEST", "KAM00"),
        (errors.MalformedBody, 400, "BAD_REQUEST", "KAM00"),
        (errors.SchemaViolation, 400, "INVALID_PARAMETER_VALUE", "KAM01"),
        (errors.InvalidParams, 400, "INVALID_PARAMETER_VALUE", "KAM00"),
        (errors.ModelError, 400, "BAD_REQUEST", "KAM00"),
        (errors.OutputError, 500, "INTERNAL_ERROR", "XXM00"),
        (errors.DeadlineExceeded, 504, "DEADLINE_EXCEEDED", None),
        (errors.ModelProcessLost, 500, "INTERNAL_ERROR", "XXM00"),
        (errors.NotReady, 503, "TEMPORARILY_UNAVAILABLE", "XXM00"),
    ],
)
def test_status_and_code(kind, status, error_code, sqlstate):
    """Each type of error has one status and one code."""
    problem = problem_of(kind("why"))

    assert (problem.status, problem.error_code, problem.sqlstate) == (status, error_code, sqlstate)


def test_a_type_without_a_row_is_said_as_its_base():
    """A new kind of bad request is a bad request."""

    class OddRequest(errors.MalformedBody):
        """Something that nobody has thought of."""

    assert problem_of(OddRequest("why")) == problem_of(errors.MalformedBody("why"))


def test_a_reported_error_brings_its_own_code():
    """An MlflowException of the model is answered with its code, and the status that MLflow gives it."""
    error = errors.ReportedError("no such user", "RESOURCE_DOES_NOT_EXIST", "KAM00", "RESOURCE_NOT_FOUND")

    assert problem_of(error).status == 404
    assert MLFLOW_PROBLEMS.fields(error, has_stack_traces=True) == {
        "error_code": "RESOURCE_DOES_NOT_EXIST",
        "message": "no such user",
        "sqlstate": "KAM00",
        "error_class": "RESOURCE_NOT_FOUND",
    }


def test_an_unknown_code_is_an_internal_error():
    """A code that MLflow has no status for is a 500, as in MLflow."""
    assert problem_of(errors.ReportedError("?", "SOMETHING_NEW")).status == 500


def test_stack_traces_can_be_switched_off():
    """The model's frames are shown by default, and not shown where they are not wanted."""
    error = errors.ModelError("why", "Traceback ...")

    assert MLFLOW_PROBLEMS.fields(error, has_stack_traces=True)["stack_trace"] == "Traceback ..."
    assert "stack_trace" not in MLFLOW_PROBLEMS.fields(error, has_stack_traces=False)


def test_text_that_is_no_unicode_is_said_all_the_same():
    """A lone surrogate in a message does not turn one error into another."""
    error = errors.ModelError("bad \ud800 text")
    response = problem_response(error, MLFLOW_PROBLEMS, has_stack_traces=True)

    assert json.loads(response.body)["message"] == "bad ? text"


def test_every_status_is_mlflows(mlflow_python: Path, run_python):
    """The table of codes is the one in the real MLflow, without its 500s."""
    script = """
import json
from mlflow.exceptions import ERROR_CODE_TO_HTTP_STATUS
print(json.dumps({code: status for code, status in ERROR_CODE_TO_HTTP_STATUS.items() if status != 500}))
"""
    assert json.loads(run_python(mlflow_python, script)) == REPORTED_STATUS
