"""Requests that have been answered are counted and logged, several at once."""

import asyncio
import logging

import pytest
from lading_runtime.server.exchange import Exchange
from lading_runtime.server.logs import EVENTS
from lading_runtime.server.metrics import Metrics
from lading_runtime.server.observation import GATHER_S, MOST, Observer


@pytest.fixture
def lines(monkeypatch):
    """The requests of each record of the log."""
    logger, found = logging.getLogger("lading_runtime.access"), []
    monkeypatch.setattr(logger, "isEnabledFor", lambda _: True)
    monkeypatch.setattr(logger, "handle", lambda record: found.append(len(record.__dict__[EVENTS])))
    return found


def answer(observer, requests):
    """Have so many requests been answered."""
    for _ in range(requests):
        observer.answered(Exchange("POST", "/invocations", observer.new_correlation()), "/invocations")


def counted(metrics):
    """Return how many requests have been counted."""
    return sum(entry.value for entry in metrics.ledger.entries() if entry.key[0] == "lading_requests")


def test_what_is_answered_in_some_milliseconds_is_counted_and_logged_at_once(lines):
    """A record of the log stands for all of them; those that come later have one of their own."""
    metrics = Metrics()
    observer = Observer(metrics)

    async def serve():
        for requests in (3, 2):
            answer(observer, requests)
            assert counted(metrics) == sum(lines)
            await asyncio.sleep(2 * GATHER_S)

    asyncio.run(serve())

    assert lines == [3, 2]
    assert counted(metrics) == 5


def test_no_more_than_some_are_gathered(lines):
    """A busy server does not wait to count and log them."""
    metrics = Metrics()
    observer = Observer(metrics)

    async def serve():
        answer(observer, MOST)
        assert not lines  # whoever is answered in the same turn does not wait for that
        await asyncio.sleep(0)
        assert lines == [MOST]
        assert counted(metrics) == MOST

    asyncio.run(serve())


def test_a_turn_with_more_than_that_is_counted_and_logged_once(lines):
    """However many requests one turn of the event loop answers, each is counted and logged."""
    metrics = Metrics()
    observer = Observer(metrics)

    async def serve():
        answer(observer, 3 * MOST)
        await asyncio.sleep(0)

    asyncio.run(serve())

    assert lines == [3 * MOST]
    assert counted(metrics) == 3 * MOST


def test_nothing_is_lost_at_the_end(lines):
    """What has been gathered is counted and logged when the server ends."""
    metrics = Metrics()
    observer = Observer(metrics)

    async def serve():
        answer(observer, 2)
        observer.flush()
        observer.flush()

    asyncio.run(serve())

    assert lines == [2]
    assert counted(metrics) == 2


def test_requests_that_are_not_logged_are_counted(lines, monkeypatch):
    """A level above "info" leaves out the lines of requests, and nothing else."""
    monkeypatch.setattr(logging.getLogger("lading_runtime.access"), "isEnabledFor", lambda _: False)
    metrics = Metrics()
    observer = Observer(metrics)

    async def serve():
        answer(observer, 2)
        observer.flush()

    asyncio.run(serve())

    assert not lines
    assert counted(metrics) == 2
