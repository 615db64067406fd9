"""How often something is tried again."""

from datetime import UTC, datetime
from threading import Event

import pytest
from lading.oci.registry.patience import Passing, Patience, retry_after_s


def waits(failures):
    """Return how long is waited after each of *failures*, the last of which is one too many."""
    waited: list[float] = []
    tries = Patience(sleep=lambda wait_s, _: waited.append(wait_s), spread=lambda: 1.0).start()
    for failure in failures[:-1]:
        tries.failed(failure)
    with pytest.raises(Passing):
        tries.failed(failures[-1])
    return waited


def test_waits_grow():
    """One second, then three times as long each."""
    assert waits([Passing("x")] * 5) == [1, 3, 9, 27]


def test_a_registry_says_how_long():
    """Also "at once"; but nobody waits for hours."""
    failures = [Passing("x", wait_s=wait_s) for wait_s in (7, 0, 86_400, -1, 0)]

    assert waits(failures) == [7, 0, 60, 0]


def test_nobody_waits_for_what_is_not_wanted():
    """A wait ends when the undertaking is stopped."""
    stop = Event()
    stop.set()

    Patience().start(stop).failed(Passing("x", wait_s=60))


def test_progress_renews_patience():
    """Only failures in a row count."""
    tries = Patience(attempts=2, sleep=lambda *_: None).start()

    for _ in range(10):
        tries.failed(Passing("x"))
        tries.advanced()

    assert tries.failures == 0


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ("", None),
        ("120", 120),
        ("soon", None),
        ("Wed, 21 Oct 2015 07:28:30 GMT", 30),
        ("Wed, 21 Oct 2015 07:00:00 GMT", 0),
        ("Wed, 21 Oct 99999999999 07:00:00 GMT", None),
    ],
)
def test_retry_after_in_both_forms(value, expected):
    """Seconds, or a moment (RFC 9110, section 10.2.3)."""
    assert retry_after_s(value, lambda: datetime(2015, 10, 21, 7, 28, tzinfo=UTC)) == expected
