"""Pages for people: the model with a form at ``/``, its API at ``/docs``, and the document both are made of.

A page is one answer: its style and its scripts stand in it, and its policy allows these, by their
digests, and nothing else. It asks ``/openapi.json`` for all that it shows, so it tells nothing of the
model to who may not read that, and whatever a model calls its columns never becomes markup.

Nothing is read or made before somebody asks for it.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from base64 import b64encode
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import orjson
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from lading_runtime.server.card import Served
from lading_runtime.server.responses import JSON, respond

FOLDER = Path(__file__).with_name("page")
LINK = re.compile(r'<link rel="stylesheet" href="(\w+\.css)">|<script src="(\w+\.js)"></script>')
"""How the files name each other; in the answer their contents stand in these places."""

FOR_PEOPLE = re.compile(r"\n\s*(?://.*\n\s*)*")
"""Indentation, and lines that are comments; no text in the files spans lines, so these are nothing else."""

HTML = b"text/html; charset=utf-8"
PAGES = {"/": "model.html", "/docs": "docs.html"}
DOCUMENT = "/openapi.json"
NOT_MODIFIED = 304
KEPT = ((b"cache-control", b"no-cache"), (b"x-content-type-options", b"nosniff"))
"""A browser may keep an answer if it asks each time whether it still holds; it is as it is called."""

POLICY = (
    "default-src 'none'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
"""Content Security Policy, level 3, without scripts and styles; no script can make markup of text."""


class Content(NamedTuple):
    """What is answered, until the worker ends."""

    body: bytes
    media_type: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()


class Resource:
    """Answers with something that is made when it is first asked for."""

    def __init__(self, make: Callable[[], Content]) -> None:
        self._make = make
        self._content: Content | None = None
        self._tag = b""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's
        """Answer one request; one that knows the content already, with its tag alone (RFC 9110 §13.1.2)."""
        if self._content is None:
            content = await asyncio.get_running_loop().run_in_executor(None, self._make)
            self._tag = b'"%s"' % hashlib.sha256(content.body).hexdigest()[:32].encode()
            self._content = content
        body, media_type, headers = self._content
        headers = ((b"etag", self._tag), *KEPT, *headers)
        if dict(scope["headers"]).get(b"if-none-match") == self._tag:
            await send({"type": "http.response.start", "status": NOT_MODIFIED, "headers": headers})
            await send({"type": "http.response.body"})
        else:
            await respond(send, 200, body, media_type=media_type, headers=headers)


def page_routes(served: Served, scoring: Iterable[str]) -> list[Route]:
    """Return the routes of the pages and their document; none where the environment wants none."""
    if not served.settings.has_page:
        return []
    paths = sorted(scoring)

    def document() -> Content:
        from lading_runtime.server.openapi import openapi_document  # noqa: PLC0415 - 3 ms of a start, for what few ask

        return Content(orjson.dumps(openapi_document(served, paths)), JSON)

    made: dict[str, Callable[[], Content]] = {DOCUMENT: document}
    for path, name in PAGES.items():
        made[path] = _page_maker(FOLDER / name)
    return [Route(path, Resource(make), methods=["GET", "HEAD"]) for path, make in made.items()]


def _page_maker(file: Path) -> Callable[[], Content]:
    return lambda: read_page(file)


def read_page(file: Path) -> Content:
    """Return the page in *file* with its style and its scripts in it, and the policy that allows them."""
    allowed: dict[str, list[str]] = {"style": [], "script": []}

    def inline(link: re.Match[str]) -> str:
        text = _read(file.with_name(link[1] or link[2]))
        kind = "style" if link[1] else "script"
        allowed[kind].append(f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'")
        return f"<{kind}>{text}</{kind}>"

    html = LINK.sub(inline, _read(file))
    sources = "".join(f"; {kind}-src {' '.join(digests)}" for kind, digests in allowed.items())
    headers = (
        (b"content-security-policy", (POLICY + sources).encode()),
        (b"referrer-policy", b"no-referrer"),
    )
    return Content(html.encode(), HTML, headers)


def _read(file: Path) -> str:
    """Return the text of *file*, without what stands there for people alone."""
    return FOR_PEOPLE.sub("\n", file.read_text("utf-8"))
