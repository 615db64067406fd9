"""The garbage collector is off while large bodies are decoded, and never for good."""

import gc
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest
from lading_runtime.server.collection import Uncollected

PATIENCE_S = 60


class Cycle:
    """What only the collector frees."""

    def __init__(self):
        self.itself = self


def test_the_collector_is_off_within_and_on_after():
    """What is decoded within is not looked through; what comes after is."""
    with Uncollected():
        assert not gc.isenabled()

    assert gc.isenabled()


def test_an_error_turns_it_on_again():
    """A body that cannot be decoded leaves the collector on."""
    with pytest.raises(ValueError, match="broken"), Uncollected():
        raise ValueError("broken")

    assert gc.isenabled()


def test_a_collector_that_was_off_stays_off():
    """Who has turned it off for good is obeyed."""
    gc.disable()
    try:
        with Uncollected():
            pass

        assert not gc.isenabled()
    finally:
        gc.enable()


def test_it_is_off_until_the_last_leaves_and_collects_at_each():
    """Of two bodies, the first to be done collects what is new; the collector is on after the second."""
    uncollected = Uncollected()
    is_in, may_leave = threading.Event(), threading.Event()

    def decode():
        with uncollected:
            is_in.set()
            assert may_leave.wait(PATIENCE_S)

    with ThreadPoolExecutor(1) as threads:
        with uncollected:
            other = threads.submit(decode)
            assert is_in.wait(PATIENCE_S)
            garbage = weakref.ref(Cycle())
            assert garbage() is not None

        assert garbage() is None
        assert not gc.isenabled()
        may_leave.set()
        other.result(PATIENCE_S)

    assert gc.isenabled()


def test_many_threads_leave_it_on():
    """Whatever the order in which bodies begin and end, the collector is on at the end."""
    uncollected = Uncollected()

    def decode(number):
        with uncollected:
            return [[number] for _ in range(number % 50)]

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(decode, range(2000)))

    assert gc.isenabled()
