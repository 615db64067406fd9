"""A request in the queue is told once how it ended, and keeps nothing after that."""

import gc
import weakref

import pytest
from lading_runtime.errors import DeadlineExceeded
from lading_runtime.payload import Payload
from lading_runtime.server.admission import Admission
from lading_runtime.server.interruption import ClientDisconnected
from lading_runtime.server.limits import UNLIMITED
from lading_runtime.server.queued import Item, Times, still_wanted


class Client:
    """Waits for an answer."""

    def __init__(self):
        self.is_wanted, self.told = True, []

    def answered(self, prediction):
        """Remember the answer."""
        self.told.append(prediction.value)

    def failed(self, error):
        """Remember the error."""
        self.told.append(type(error))


def lined_up(client, deadline=60.0):
    """Return a client's request of three bytes, and what counts it."""
    admission = Admission(UNLIMITED)
    payload = Payload({"kind": "json", "buffer": 0}, [b"123"], None)
    return Item(payload, None, Times(deadline, deadline), client, admission), admission


@pytest.mark.parametrize(
    ("end", "told"),
    [
        (lambda item: item.succeed({}, [], 0.0, 0.0), [{}]),
        (lambda item: item.fail(ValueError()), [ValueError]),
        (lambda item: item.expire(), [DeadlineExceeded]),
        (lambda item: item.drop(), [ClientDisconnected]),
        (lambda item: item.leave(), []),
    ],
    ids=["answered", "failed", "expired", "dropped", "left"],
)
def test_an_end_is_told_once_and_nothing_is_kept(end, told):
    """Whatever comes after the first end changes nothing; neither client nor data are held any more."""
    client = Client()
    item, admission = lined_up(client)
    end(item)
    item.succeed({"late": True}, [], 0.0, 0.0)
    item.expire()
    found, held = client.told, weakref.ref(client)
    del client
    gc.collect()

    assert found == told
    assert (held(), item.payload.buffers, item.is_wanted, admission.is_idle) == (None, [], False, True)


def test_who_left_and_who_is_late_are_given_up():
    """Of requests that are tried again, those are whose clients are there and whose time has not run out."""
    gone, late, waiting = Client(), Client(), Client()
    items = [lined_up(client, deadline)[0] for client, deadline in ((gone, 9.0), (late, 5.0), (waiting, 9.0))]
    gone.is_wanted = False

    assert still_wanted(items, 5.0) == [items[2]]
    assert (gone.told, late.told, waiting.told) == ([ClientDisconnected], [DeadlineExceeded], [])
