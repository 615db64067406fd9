"""What can be wrong with a request or happen to a prediction, named for what went wrong.

    ScoringError
    ├── RequestError                the client's fault
    │   ├── Unauthenticated         it brings no API key that the server knows
    │   ├── UnsupportedMediaType    the body's type, charset or encoding is none that we read
    │   ├── BodyTooLarge            more bytes than the server takes
    │   ├── BodyTooSlow             the client does not send what it announced
    │   ├── MalformedBody           the body is not what its type says, or no known envelope or format
    │   │   └── UnreadableValue     a value cannot be read as the type of its column
    │   ├── UnknownModel            no model, or version of it, of that name is served here
    │   ├── Unsupported             something that the protocol has and this server has not
    │   ├── SchemaViolation         the data do not fit the model's signature
    │   └── InvalidParams           the params do not fit the model's signature
    ├── ModelError                  the model raised
    ├── ReportedError               the model raised an MlflowException, which brings its own code
    ├── OutputError                 the prediction cannot be written as JSON
    ├── Unsplittable                a batch's prediction has not one row for each of its rows
    ├── Overloaded                  more requests than can be answered in time
    ├── DeadlineExceeded            no answer in time
    ├── ModelProcessLost            the model process ended while it predicted
    └── NotReady                    the model is not loaded (yet)

Errors know no HTTP: ``server/problems.py`` has the one table. Messages name columns, parameters and
types, never values of the payload.
"""

from __future__ import annotations


class ScoringError(Exception):
    """Anything that a request can be answered with instead of a prediction."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class RequestError(ScoringError):
    """The client's fault."""


class Unauthenticated(RequestError):
    """It brings no API key that the server knows."""


class UnsupportedMediaType(RequestError):
    """The body's type, charset or encoding is none that we read."""


class BodyTooLarge(RequestError):
    """More bytes than the server takes."""


class BodyTooSlow(RequestError):
    """The client does not send what it announced, or byte by byte."""


class MalformedBody(RequestError):
    """The body is not what its type says, or no known envelope or format."""


class UnreadableValue(MalformedBody):
    """A value cannot be read as the type of its column.

    MLflow casts before it enforces the signature, so that this is another error to it (BAD_REQUEST)
    than `SchemaViolation`.
    """


class UnknownModel(RequestError):
    """No model, or version of it, of that name is served here."""


class Unsupported(RequestError):
    """Something that the protocol has and this server has not."""


class SchemaViolation(RequestError):
    """The data do not fit the model's signature."""


class TypeHintViolation(RequestError):
    """The body lacks what a model takes whose input is a type hint."""


class InvalidParams(RequestError):
    """The params do not fit the model's signature."""


class ModelError(ScoringError):
    """The model raised."""

    def __init__(self, message: str, stack_trace: str | None = None) -> None:
        super().__init__(message)
        self.stack_trace = stack_trace
        """The model's own frames."""


class ReportedError(ScoringError):
    """The model raised an MlflowException, which brings its own code."""

    def __init__(
        self,
        message: str,
        error_code: str,
        sqlstate: str | None = None,
        error_class: str | None = None,
    ) -> None:
        super().__init__(message)
        self.error_code = error_code
        self.sqlstate = sqlstate
        self.error_class = error_class


class OutputError(ScoringError):
    """The prediction cannot be written as JSON."""


class Unsplittable(ScoringError):
    """The prediction for a batch has not one row for each of its rows; no client ever sees this."""


class Overloaded(ScoringError):
    """More requests than can be answered in time."""

    def __init__(self, message: str, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = max(1, retry_after_s)
        """When it may be worth to ask again."""


class DeadlineExceeded(ScoringError):
    """No answer in time."""


class ModelProcessLost(ScoringError):
    """The model process ended while it predicted."""


class NotReady(ScoringError):
    """The model is not loaded (yet)."""
