"""How often something is tried again, and how long is waited in between."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from threading import Event

from lading.errors import LadingError


class Passing(Exception):
    """A failure that may be gone at the next attempt."""

    def __init__(
        self, reason: str, *, wait_s: float | None = None, meaning: LadingError | None = None
    ) -> None:
        super().__init__(reason)
        self.meaning = meaning
        """What it means when it does not pass; None where nobody said anything."""

        self.wait_s = wait_s
        """As the registry asks for with ``Retry-After``; None where it does not."""


@dataclass(frozen=True, slots=True)
class Patience:
    """When to give up."""

    attempts: int = 5
    """In a row, none of which got further than the one before."""

    first_wait_s: float = 1.0
    """Before the second attempt; three times as long at each further one, as go-containerregistry waits."""

    longest_wait_s: float = 60.0
    """Also where the registry asks for more."""

    sleep: Callable[[float, Event], object] = lambda wait_s, stop: stop.wait(wait_s)
    """Ends early when the event is set."""

    spread: Callable[[], float] = lambda: random.uniform(0.7, 1.3)  # noqa: S311 - spreads load, keeps no secret
    """Lest all that failed together try again together."""

    def start(self, stop: Event | None = None) -> "Tries":
        """Return a count of failures that has none yet; nothing is waited for once *stop* is set."""
        return Tries(self, stop or Event())


@dataclass(slots=True)
class Tries:
    """The failures of one undertaking."""

    patience: Patience
    stop: Event
    failures: int = 0

    def failed(self, failure: Passing) -> None:
        """Wait until it is time for the next attempt.

        Raises:
            Passing: *failure* itself, when patience is at its end.
        """
        self.failures += 1
        if self.failures >= self.patience.attempts:
            raise failure
        own_s = self.patience.first_wait_s * 3 ** (self.failures - 1) * self.patience.spread()
        wait_s = own_s if failure.wait_s is None else max(failure.wait_s, 0.0)
        self.patience.sleep(min(wait_s, self.patience.longest_wait_s), self.stop)

    def advanced(self) -> None:
        """Forget the failures: it went on."""
        self.failures = 0


def retry_after_s(value: str | None, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> float | None:
    """Return the seconds that a ``Retry-After`` header asks for, in either of its two forms."""
    if not value:
        return None
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):  # years may have any number of digits
        return None
    return max((moment.replace(tzinfo=moment.tzinfo or UTC) - now()).total_seconds(), 0.0)
