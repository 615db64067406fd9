"""What stands between HTTP and the model: something that answers payloads.

The pool is one; whatever groups payloads before they reach it is another.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Any, NamedTuple, Protocol

from lading_runtime.payload import Payload
from lading_runtime.wire import Buffer


class Prediction(NamedTuple):
    """The model's answer to one payload, or a part of it."""

    value: dict[str, Any]
    """A value of `lading_runtime.wire`, still to be written as JSON."""

    buffers: Sequence[Buffer]

    queue_s: float
    """How long the payload waited for the model process."""

    model_s: float
    """How long the model process took for it, and for the parts before it."""


class Waiter(Protocol):
    """Is told how a payload ended: called once, from a callback of the event loop. Must not raise."""

    @property
    def is_wanted(self) -> bool:
        """Whether there is anybody to be told; if not, the model need not be asked."""

    def answered(self, prediction: Prediction) -> None:
        """The model answered."""

    def failed(self, error: Exception) -> None:
        """There is no answer; *error* is a `ScoringError`, or a bug."""


class Predictor(Protocol):
    """Answers payloads."""

    async def predict(self, payload: Payload, deadline: float, limit: float | None = None) -> Prediction:
        """Return the answer to *payload*, before *deadline* on the event loop's clock.

        A model process that still predicts it at *limit*, by default the deadline, counts as one that hangs.

        Raises:
            ScoringError: there is none.
        """

    def stream(self, payload: Payload, deadline: float, between_s: float) -> AsyncGenerator[Prediction, None]:
        """Give the parts of the answer to *payload* as the model makes them; close it to end that early.

        The first comes before *deadline*, each other one within *between_s* after it was asked for. The
        model is kept from running ahead of who takes the parts.

        Raises:
            ScoringError: instead of the next part.
        """
        ...

    @property
    def is_streamable(self) -> bool:
        """Whether the model can answer in parts."""

    @property
    def failure(self) -> str | None:
        """Why the model could not be loaded, if it could not."""

    def check_accepts(self) -> None:
        """Return if payloads are taken, though they may have to wait.

        Raises:
            NotReady: they are not; the message says why.
        """

    def check_ready(self) -> None:
        """Return if a payload would be answered now.

        Raises:
            NotReady: it would not; the message says why.
        """


class CallbackPredictor(Predictor, Protocol):
    """A predictor for those, too, that have no task of their own."""

    def ask(self, payload: Payload, deadline: float, limit: float, waiter: Waiter) -> None:
        """Do what `predict` does for *waiter*.

        Raises:
            ScoringError: there will be no answer, and *waiter* is told nothing.
        """
