"""Numbers in shared memory: one writer each, any reader, and nothing that goes back."""

import os

from hypothesis import given
from hypothesis import strategies as st
from lading_runtime.server.ledger import GAUGE, ROWS, Ledger

NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\x1f"), min_size=1, max_size=20)
KEYS = st.lists(NAMES, min_size=1, max_size=3).map(tuple)


def read(ledger):
    """Return the entries of a ledger, by page and key."""
    return {(entry.page, entry.key): entry.value for entry in ledger.entries()}


@given(st.dictionaries(KEYS, st.floats(allow_nan=False), max_size=20))
def test_what_is_written_is_read(values):
    """Every key and value is read as it was written."""
    ledger = Ledger(1)
    page = ledger.page(0)
    for key, value in values.items():
        page.values[page.row(*key)] += value

    assert read(ledger) == {(0, key): value for key, value in values.items()}


def test_another_process_sees_what_is_counted():
    """A page that a forked process writes on is read here."""
    ledger = Ledger(2)
    number = ledger.assign(7, ())
    pid = os.fork()
    if pid == 0:
        page = ledger.page(number)
        page.values[page.row("a", "b")] += 3
        os._exit(0)
    os.waitpid(pid, 0)

    assert read(ledger) == {(0, ("a", "b")): 3.0}


def test_a_page_is_taken_over_with_its_counts_and_without_its_gauges():
    """The successor of a worker adds to its counts; what ended with the worker is zero."""
    ledger = Ledger(4)
    page = ledger.page(ledger.assign(1, ()))
    page.values[page.row("count")] += 2
    page.values[page.row(GAUGE + "pid")] = 99
    ledger.page(ledger.assign(2, {1}))

    number = ledger.assign(3, {2})
    successor = ledger.page(number)
    successor.values[successor.row("count")] += 1

    assert number == 0
    assert read(ledger)[0, ("count",)] == 3
    assert read(ledger)[0, (GAUGE + "pid",)] == 0


def test_workers_that_live_have_pages_of_their_own():
    """No two workers write on one page."""
    ledger = Ledger(8)

    numbers = [ledger.assign(worker, range(worker)) for worker in range(8)]

    assert sorted(numbers) == list(range(8))


def test_a_full_page_drops_what_is_new():
    """Keys that do not fit any more, or are too long, are not shown, and hurt no other."""
    ledger = Ledger(1)
    page = ledger.page(0)
    for number in range(ROWS + 10):
        page.values[page.row(str(number))] += 1
    page.values[page.row("x" * 300)] += 1

    seen = read(ledger)
    assert len(seen) == ROWS - 1
    assert set(seen.values()) == {1.0}
