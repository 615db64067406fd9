"""The garbage collector is off while a large body is decoded, and never for longer."""

import gc
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from lading_runtime.server.collection import uncollected


def test_the_collector_is_off_within_and_on_after():
    """What is decoded within is not looked through; what comes after is."""
    with uncollected():
        assert not gc.isenabled()

    assert gc.isenabled()


def test_an_error_turns_it_on_again():
    """A body that cannot be decoded leaves the collector on."""
    with pytest.raises(ValueError, match="broken"), uncollected():
        raise ValueError("broken")

    assert gc.isenabled()


def test_a_collector_that_was_off_stays_off():
    """Who has turned it off for good is obeyed."""
    gc.disable()
    try:
        with uncollected():
            pass

        assert not gc.isenabled()
    finally:
        gc.enable()


def test_bodies_that_overlap_do_not_keep_it_off():
    """The collector is on when the first of two bodies is done, though the second still goes on."""
    first_is_done, second_is_in = threading.Event(), threading.Event()

    def second():
        with uncollected():
            second_is_in.set()
            first_is_done.wait(60)
            return gc.isenabled()

    with ThreadPoolExecutor(1) as threads:
        with uncollected():
            was_on = threads.submit(second)
            assert second_is_in.wait(60)
        first_is_done.set()

        assert was_on.result(60)
    assert gc.isenabled()


def test_many_threads_leave_it_on():
    """Whatever the order in which bodies begin and end, the collector is on at the end."""

    def decode(number):
        with uncollected():
            return [[number] for _ in range(number % 50)]

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(decode, range(5000)))

    assert gc.isenabled()
