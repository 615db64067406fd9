"""What the web server alone can do: an application that answers each request with its own body."""

from typing import Any

JSON = (b"content-type", b"application/json")


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answer one request."""
    if scope["type"] == "http":
        await answer(await body_of(receive), send)


async def body_of(receive: Any) -> bytes:
    """Return the body of a request."""
    body = b""
    is_complete = False
    while not is_complete:
        message = await receive()
        body += message.get("body", b"")
        is_complete = not message.get("more_body", False)
    return body


async def answer(body: bytes, send: Any) -> None:
    """Answer with *body*."""
    headers = [JSON, (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
