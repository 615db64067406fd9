"""Whether it is worth to look for what is waited for, instead of to sleep."""

from hypothesis import given
from hypothesis import strategies as st
from lading_runtime.busy_polling import Wait

LIMIT_S = 0.001

short = st.floats(0, LIMIT_S / 2)
any_length = st.floats(0, 1e6)


def after(*waits_s: float, limit_s: float = LIMIT_S) -> Wait:
    """Return what has been waited for so long, one time after the other."""
    wait = Wait(limit_s)
    for each_s in waits_s:
        wait.note(each_s)
    return wait


def test_who_has_never_waited_sleeps():
    """Nothing is looked for that has not been waited for before."""
    assert not Wait(LIMIT_S).is_short


@given(st.lists(any_length))
def test_without_a_limit_everybody_sleeps(waits_s):
    """A limit of zero switches it off, however short the waits are."""
    assert not after(*waits_s, limit_s=0).is_short


@given(st.lists(any_length, max_size=20), st.lists(short, min_size=10))
def test_short_waits_are_learnt(before_s, waits_s):
    """After ten short waits the next one is expected to be short, whatever was before."""
    assert after(*before_s, *waits_s).is_short


@given(st.lists(short, min_size=20), any_length)
def test_one_pause_changes_nothing(waits_s, pause_s):
    """Among short waits, a single one of any length does not put anybody to sleep."""
    assert after(*waits_s, pause_s).is_short


@given(st.lists(any_length, max_size=20), st.lists(st.floats(2 * LIMIT_S, 1e6), min_size=10))
def test_long_waits_are_learnt(before_s, waits_s):
    """After ten waits of twice the limit, nothing is looked for, whatever was before."""
    assert not after(*before_s, *waits_s).is_short
