"""Requests as nobody should send them: recorded and generated ones, broken in every way that we know."""

import gzip
import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

DEEP = 100_000
"""Levels of nesting: more than any parser's stack."""

MAX_PATH = 20

JSON = "application/json"


@dataclass(frozen=True)
class Shot:
    """One scoring request."""

    headers: dict[str, str]
    body: bytes


# --- bytes ---


def truncate(body: bytes, rng: random.Random) -> bytes:
    """Leave out the end."""
    return body[: rng.randrange(len(body) + 1)]


def flip(body: bytes, rng: random.Random) -> bytes:
    """Turn some bits over."""
    broken = bytearray(body)
    for _ in range(rng.randint(1, 4) if broken else 0):
        broken[rng.randrange(len(broken))] ^= 1 << rng.randrange(8)
    return bytes(broken)


def insert(body: bytes, rng: random.Random) -> bytes:
    """Put something in that is no JSON, or no UTF-8."""
    at = rng.randrange(len(body) + 1)
    strange = (
        b"\xff",
        b"\xc3",
        b"\xed\xa0\x80",
        b"\x00",
        b"\xef\xbb\xbf",
        b"NaN",
        b"}",
        b"]",
        b'"',
        b",,",
        b"\\u",
    )
    return body[:at] + rng.choice(strange) + body[at:]


def cut(body: bytes, rng: random.Random) -> bytes:
    """Leave out something in the middle, or say it twice."""
    first, last = sorted(rng.randrange(len(body) + 1) for _ in range(2))
    return body[:first] + body[first:last] * rng.choice((0, 2)) + body[last:]


def recode(body: bytes, rng: random.Random) -> bytes:
    """Say it in another encoding."""
    return body.decode("utf-8", "replace").encode(rng.choice(("utf-16", "utf-32-be", "utf-8-sig")))


def pad(body: bytes, rng: random.Random) -> bytes:
    """Put much white space around it."""
    return b" " * rng.randrange(1 << 18) + body + b"\n" * rng.randrange(1 << 10)


# --- JSON ---

HUGE_NUMBERS = (
    "1e400",
    "-1e999999999",
    "1" + "0" * 400,
    "9" * 5000,
    "0." + "1" * 5000,
    "-" + "7" * 20,
    "1e-999",
)


def hook(rng: random.Random) -> str:
    """Return JSON text that is no value to expect."""
    return rng.choice(
        (
            *HUGE_NUMBERS,
            *(
                "null",
                "true",
                "NaN",
                "-Infinity",
                '""',
                '"\\ud800"',
                '"\\u0000"',
                "[]",
                "{}",
                "[[[]]]",
                "[null]",
            ),
            '"' + "x" * rng.randrange(1 << 16) + '"',
            "[" + "0," * rng.randrange(1 << 12) + "0]",
            "[" * 300 + "]" * 300,
            '{"a":' * 300 + "1" + "}" * 300,
        )
    )


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the paths to all values in a JSON value that are not too deep for `write`."""
    yield path
    if len(path) == MAX_PATH:
        return
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


def write(value: Any, path: tuple[Any, ...], text: str) -> str:
    """Return a JSON value with *text* for what is at *path*."""
    if not path:
        return text
    if isinstance(value, dict):
        members = ((key, item, key == path[0]) for key, item in value.items())
        return (
            "{"
            + ",".join(f"{json.dumps(key)}:{_write(item, path, text, on)}" for key, item, on in members)
            + "}"
        )
    return (
        "[" + ",".join(_write(item, path, text, place == path[0]) for place, item in enumerate(value)) + "]"
    )


def _write(item: Any, path: tuple[Any, ...], text: str, is_there: bool) -> str:  # noqa: FBT001 - of `write`
    return write(item, path[1:], text) if is_there else json.dumps(item)


def swap(body: bytes, rng: random.Random) -> bytes:
    """Put an unexpected value where another one was."""
    document = read(body)
    path = rng.choice(list(places(document)))
    return write(document, path, hook(rng)).encode()


def rename(body: bytes, rng: random.Random) -> bytes:
    """Call a member otherwise, or two of them the same."""
    keys = [path[-1] for path in places(read(body)) if path and isinstance(path[-1], str)]
    if not keys:
        return body
    new = rng.choice(
        (*keys, "", "params", "inputs", "instances", "dataframe_split", "messages", "é", "stream")
    )
    text = body.decode("utf-8", "replace")
    return text.replace(json.dumps(rng.choice(keys)), json.dumps(new), 1).encode()


def double(body: bytes, rng: random.Random) -> bytes:
    """Say a member twice, with another value."""
    keys = [path[-1] for path in places(read(body)) if len(path) == 1]
    key = rng.choice(keys) if keys else "inputs"
    return body.rstrip()[:-1] + f",{json.dumps(key)}:{hook(rng)}}}".encode()


def nest(body: bytes, rng: random.Random) -> bytes:
    """Nest a value deeper than a stack is, closed or not."""
    opening, closing = rng.choice((("[", "]"), ('{"a":', "}")))
    document = read(body)
    path = rng.choice(list(places(document)))
    deep = opening * DEEP + "1" + closing * rng.choice((DEEP, DEEP, 0))
    return write(document, path, deep).encode()


def read(body: bytes) -> Any:
    """Return the JSON value that *body* says; an empty object if it says none."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return {}


# --- headers ---

MEDIA_TYPES = (
    *("text/csv", "application/vnd.apache.parquet", "text/plain", "", "application/json; charset=utf-16"),
    *("application/json;;", "multipart/form-data; boundary=x", "é", "application/json; format=pandas-split"),
)


def relabel(shot: Shot, rng: random.Random) -> Shot:
    """Say that the body is of another type."""
    return replace(shot, headers={**shot.headers, "Content-Type": rng.choice(MEDIA_TYPES)})


def compress(shot: Shot, rng: random.Random) -> Shot:
    """Say that the body is compressed, which it may be, or not, or not wholly."""
    packed = gzip.compress(shot.body, 1)
    body = rng.choice((packed, shot.body, truncate(packed, rng), flip(packed, rng), packed * 2, b""))
    encoding = rng.choice(("gzip", "gzip", "GZIP", "x-gzip", "deflate", "br", "gzip, gzip"))
    return Shot({**shot.headers, "Content-Encoding": encoding}, body)


MUTATIONS: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    *(truncate, flip, insert, cut, recode, pad),
    *(swap, swap, swap, swap, rename, rename, double, double),
)


def mutants(shots: Sequence[Shot], rng: random.Random) -> Iterator[Shot]:
    """Yield *shots*, each broken in one way or several, without end."""
    while True:
        shot = rng.choice(shots)
        for _ in range(rng.choice((1, 1, 1, 2, 3))):
            shot = replace(shot, body=rng.choice(MUTATIONS)(shot.body, rng))
        chance = rng.random()
        if chance < 0.03:
            shot = replace(shot, body=nest(shot.body, rng))
        elif chance < 0.06:
            shot = relabel(shot, rng)
        elif chance < 0.09:
            shot = compress(shot, rng)
        yield shot


def bombs(limit_bytes: int) -> list[Shot]:
    """Return bodies as large as *limit_bytes* that say nothing, and some that are small until unpacked."""
    wanted = {"Content-Type": JSON}
    packed = {**wanted, "Content-Encoding": "gzip"}
    return [
        Shot(wanted, b'{"inputs": ' + b" " * (limit_bytes - 13) + b"x}"),
        Shot(wanted, b'{"inputs": "' + b"x" * (limit_bytes - 13)),
        Shot(wanted, b"[" * limit_bytes),
        Shot(packed, gzip.compress(b" " * limit_bytes, 1)),
        Shot(packed, gzip.compress(b" " * (limit_bytes >> 4)) * 160),
        Shot(packed, gzip.compress(gzip.compress(b" " * (limit_bytes >> 4)) * 160)),
    ]


def tables(limit_bytes: int) -> list[Shot]:
    """Return tables as large as *limit_bytes*, of columns that no model takes."""
    cells = b",".join([b"1.5"] * 10)
    names = b",".join(b'"zz%d"' % number for number in range(10))
    head, tail = b'{"dataframe_split":{"columns":[' + names + b'],"data":[', b'["x"]]}}'
    rows = (limit_bytes - len(head) - len(tail)) // len(cells + b"[],")
    lines = (limit_bytes - len(names)) // len(cells + b"\n") - 1
    return [
        Shot({"Content-Type": JSON}, head + (b"[" + cells + b"],") * rows + tail),
        Shot({"Content-Type": "text/csv"}, names + b"\n" + (cells + b"\n") * lines),
    ]
