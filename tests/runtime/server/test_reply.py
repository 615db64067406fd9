"""One client is told one thing: an answer, an error, or events to their end."""

import asyncio
import json

import pytest
from lading_runtime.errors import ModelError
from lading_runtime.server.interruption import ClientDisconnected
from lading_runtime.server.reply import Reply


def told(conversation, *, has_stack_traces=True):
    """Return the ASGI messages that a conversation with a reply sends."""
    sent = []

    async def main():
        async def send(message):
            sent.append(message)

        await conversation(Reply(send, 10, has_stack_traces=has_stack_traces))

    asyncio.run(main())
    return sent


async def part_and_error(reply):
    """Send a part, then an error."""
    await reply.event(b"1")
    await reply.refuse(ModelError("no", "Traceback"))


def test_events_are_one_response():
    """Each part is an event, the end is one too, and the response ends with it."""

    async def parts(reply):
        await reply.event(b'{"a":1}')
        await reply.event(b"2")
        await reply.end()

    start, *bodies = told(parts)

    assert start["status"] == 200
    assert [body["body"] for body in bodies] == [b'data: {"a":1}\n\n', b"data: 2\n\n", b"data: [DONE]\n\n"]
    assert [body["more_body"] for body in bodies] == [True, True, False]


def test_an_error_after_a_part_is_an_event():
    """After the first part an error is an event with a text as ``error``, as in MLflow, and then the end."""
    _, _, failed, end = told(part_and_error)

    error = json.loads(failed["body"].removeprefix(b"data: "))
    assert error["error"] == "no"
    assert error["error_code"] == "BAD_REQUEST"
    assert error["stack_trace"] == "Traceback"
    assert (end["body"], end["more_body"]) == (b"data: [DONE]\n\n", False)


def test_frames_can_be_hidden_in_events_too():
    """Where errors show no frames, events do not either."""
    messages = told(part_and_error, has_stack_traces=False)

    assert b"Traceback" not in b"".join(message.get("body", b"") for message in messages)


def test_an_error_before_the_first_part_is_a_response():
    """While nothing has been sent, an error has its own status."""
    start, _ = told(lambda reply: reply.refuse(ModelError("no")))

    assert start["status"] == 400


def test_a_client_that_takes_nothing_is_gone():
    """An event that is not taken in time ends the reply."""

    async def main():
        async def send(message):
            if message["type"] == "http.response.body":
                await asyncio.Event().wait()

        with pytest.raises(ClientDisconnected):
            await Reply(send, 0.01, has_stack_traces=True).event(b"1")

    asyncio.run(asyncio.wait_for(main(), 60))
