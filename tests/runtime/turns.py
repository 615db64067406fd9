"""Turns of the event loop: what comes in one of them goes to the model together."""

import asyncio


async def until_sent() -> None:
    """Wait until what has been asked has been sent: it is asked in the next turn, and sent at its end."""
    await asyncio.sleep(0)
    await asyncio.sleep(0)
