"""How the steps of a build tell what they are doing."""

import pytest
from lading.progress import Silent, Timed


def test_steps_are_measured_in_their_order():
    """Each step's seconds are kept under its title; one that comes twice is added up."""
    times = iter([0.0, 1.0, 1.0, 3.0, 3.0, 3.5])
    timed = Timed(Silent(), clock=lambda: next(times))

    for title in ("lock", "fetch", "lock"):
        with timed.step(title):
            pass

    assert timed.seconds == {"lock": 1.5, "fetch": 2.0}
    assert list(timed.seconds) == ["lock", "fetch"]


def test_a_step_that_fails_is_measured_too():
    """An error goes on through a step."""
    timed = Timed(Silent(), clock=iter([0.0, 1.0]).__next__)

    with pytest.raises(ValueError, match="no"), timed.step("lock"):
        raise ValueError("no")

    assert timed.seconds == {"lock": 1.0}


def test_what_is_told_inside_is_handed_on():
    """Lines and transfers reach whoever shows them."""
    told = []

    class Teller(Silent):
        def line(self, text: str) -> None:
            told.append(text)

    timed = Timed(Teller())
    timed.line("hello")
    with timed.transfer("file", 10) as moved:
        moved(10)

    assert told == ["hello"]
