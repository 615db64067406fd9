"""Compiles modules for an image; run by an interpreter of the image's Python, which knows nothing of Lading.

    python -s -S -B -W ignore target_program.py

Standard input: for each module a line of JSON, ``[path in the image, size in bytes]``, then its source.
Standard output: for each a line of JSON, ``[size in bytes, imports, texts]``, then its ``.pyc``; the size is
null for what does not compile. Nothing that is read here is executed.

CPython writes equal code in several ways. Which constants are shared, and which are marked as possibly
shared, depends on what the process has done before (``w_ref`` in ``marshal.c`` looks at reference counts,
and the compiler does not always find a frozenset that it has met before). So every code object is made anew
with constants that are shared wherever they are equal, and all of them are held while they are written.
That is the same for any order of modules, and costs a tenth of what compiling them costs.

Python 3.8 and later, standard library only.
"""

from __future__ import annotations

import dis
import gc
import importlib.util
import json
import marshal
import re
import resource
import signal
import sys
from collections.abc import Iterable, Iterator
from types import CodeType
from typing import Any

TIMEOUT_S = 60
"""For one module. The largest take a second."""

MEMORY_BYTES = 2 << 30
"""For one process, whatever the parser makes of what it gets."""

UNCHECKED_HASH = 1
"""The source is never looked at (PEP 552): layers of an image do not change under each other."""

NEW_LOCALS = 0x02
"""``CO_NEWLOCALS``: functions have it, modules and class bodies do not."""

ORDERED_SINCE = (3, 11)
"""From here on frozensets are written in the order of their bytes (bpo-37596)."""

STEP_BYTES = 2
"""Of each instruction; what CPython caches between them reads as zeros."""

TEXTS = ("co_name", "co_filename") + (("co_qualname",) if sys.version_info >= (3, 11) else ())
"""Of a code object."""

CHARACTERS = [sys.intern(chr(number)) for number in range(256)]
"""CPython has each of these texts once, and writes whether somebody has interned it: ``import *`` does."""

IMPORT = re.compile(re.escape(bytes([dis.opmap["IMPORT_NAME"]])))
LOAD_SMALL_INT = dis.opmap.get("LOAD_SMALL_INT")

NAME = re.compile(r"\.*\w+(\.\w+)*(?=:\w+$|$)", re.ASCII)
"""A text that may name a module, or an object in one after a colon."""


class Unreproducible(Exception):
    """The module's code would be written differently by the next process."""


def main() -> None:
    """Answer until standard input ends."""
    gc.disable()  # code has no cycles
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    source, target = sys.stdin.buffer, sys.stdout.buffer
    for line in source:
        path, size_bytes = json.loads(line)
        signal.alarm(TIMEOUT_S)
        pyc, found, texts = compiled(path, source.read(size_bytes))
        signal.alarm(0)
        size_or_null = None if pyc is None else len(pyc)
        target.write(json.dumps([size_or_null, found, texts]).encode() + b"\n" + (pyc or b""))
        target.flush()


def compiled(path: str, source: bytes) -> tuple[bytes | None, list[Any], list[str]]:
    """Return a module's ``.pyc``, its imports and the names in its texts; None for what is no Python."""
    try:
        code = compile(source, path, "exec", dont_inherit=True, optimize=0)
        held: dict[Any, Any] = {}
        data = marshal.dumps(canonical(code, held))  # while they are held: reference counts show
        found, texts = list(imports(code)), sorted(set(names(code.co_consts)))
    # The last four are how Python's parser gives up on code that is nested too deeply.
    except (SyntaxError, ValueError, Unreproducible, OverflowError, RecursionError, MemoryError, SystemError):
        return None, [], []
    header = importlib.util.MAGIC_NUMBER + UNCHECKED_HASH.to_bytes(4, "little")
    return header + importlib.util.source_hash(source) + data, found, texts


def canonical(code: CodeType, held: dict[Any, Any]) -> CodeType:
    """Return *code* with constants that are shared wherever they are equal; *held* has all of them."""
    shared = {name: constant(getattr(code, name), held) for name in TEXTS}
    for variables in (code.co_varnames, code.co_freevars, code.co_cellvars):
        names_of(variables, held)
    shared["co_names"] = names_of(code.co_names, held)
    return code.replace(co_consts=constants(code.co_consts, held), **shared)


def constants(values: tuple[Any, ...], held: dict[Any, Any]) -> tuple[Any, ...]:
    """Return a code object's constants; code objects among them are never shared."""
    return tuple([canonical(v, held) if isinstance(v, CodeType) else constant(v, held) for v in values])


def names_of(texts: tuple[str, ...], held: dict[Any, Any]) -> tuple[str, ...]:
    """Return what `constant` does of a tuple of texts, several times as fast."""
    key = tuple, texts
    found = held.get(key)
    if found is None:
        found = held[key] = tuple([held.setdefault(text, text) for text in texts])
    return found


def constant(value: Any, held: dict[Any, Any]) -> Any:
    """Return the one object of *held* that is *value*."""
    if isinstance(value, str):
        return held.setdefault(value, value)
    key = key_of(value)
    if key not in held:
        if isinstance(value, tuple):
            value = tuple([constant(item, held) for item in value])
        elif isinstance(value, frozenset):
            value = frozenset_of([constant(item, held) for item in sorted(value, key=repr)])
        held[key] = value
    return held[key]


def frozenset_of(items: list[Any]) -> frozenset[Any]:
    """Return a frozenset that is written in the same order by each process.

    Raises:
        Unreproducible: it would not be.
    """
    # They are written in the order of their hashes, which for these two are addresses.
    if sys.version_info < ORDERED_SINCE and any(item is None or item is Ellipsis for item in items):
        raise Unreproducible
    return frozenset(items)


def key_of(value: Any) -> Any:
    """Return what only constants have in common that are the same in every respect."""
    if isinstance(value, str):
        return value
    if isinstance(value, tuple):
        return tuple, tuple([key_of(item) for item in value])
    if isinstance(value, frozenset):
        return frozenset, frozenset([key_of(item) for item in value])
    # Its repr tells -0.0 from 0.0, and takes every NaN for the same.
    return type(value), repr(value)


def imports(code: CodeType) -> Iterator[tuple[int, str, list[str]]]:
    """Yield ``(level, module, names)`` of each import that runs when the module or class body *code* runs."""
    yield from statements(code)
    for each in code.co_consts:
        if isinstance(each, CodeType) and not each.co_flags & NEW_LOCALS:
            yield from imports(each)


def statements(code: CodeType) -> Iterator[tuple[int, str, list[str]]]:
    """Yield the imports of *code* itself, without those under ``if TYPE_CHECKING``."""
    steps = code.co_code
    places = [STEP_BYTES * at.start() for at in IMPORT.finditer(steps[::STEP_BYTES])]
    hidden = for_checkers(code) if places else []
    for offset in places:
        if not any(offset in part for part in hidden):
            name, names_end = argument(steps, offset)
            wanted, level_end = constant_at(code, names_end)
            level, _ = constant_at(code, level_end)
            yield level, code.co_names[name], list(wanted or ())


def for_checkers(code: CodeType) -> list[range]:
    """Return which stretches of *code* run only where ``TYPE_CHECKING`` is true, which it never is."""
    found: list[range] = []
    if "TYPE_CHECKING" in code.co_names:  # to take all of it apart takes half as long as compiling it
        is_asked = False
        for step in dis.get_instructions(code):
            if is_asked and "IF_FALSE" in step.opname:
                found.append(range(step.offset, step.argval))
            if step.opname not in ("CACHE", "EXTENDED_ARG", "TO_BOOL"):
                is_asked = step.argval == "TYPE_CHECKING" and step.opname.startswith("LOAD_")
    return found


def argument(code: bytes, offset: int) -> tuple[int, int]:
    """Return the argument of the instruction at *offset*, and where the instruction before it is."""
    value, shift = code[offset + 1], 8
    offset -= STEP_BYTES
    while offset >= 0 and code[offset] == dis.EXTENDED_ARG:
        value |= code[offset + 1] << shift
        offset, shift = offset - STEP_BYTES, shift + 8
    return value, offset


def constant_at(code: CodeType, offset: int) -> tuple[Any, int]:
    """Return what the instruction at *offset* loads, and where the instruction before it is."""
    value, before = argument(code.co_code, offset)
    # Since 3.14, small numbers are arguments themselves.
    return value if code.co_code[offset] == LOAD_SMALL_INT else code.co_consts[value], before


def names(values: Iterable[Any]) -> Iterator[str]:
    """Yield what in the texts of a module's body may be names of modules that its code imports by name."""
    for value in values:
        if isinstance(value, (tuple, frozenset)):
            yield from names(value)
        elif isinstance(value, CodeType) and not value.co_flags & NEW_LOCALS:
            yield from names(value.co_consts)
        elif isinstance(value, str):
            found = NAME.match(value)
            if found:
                yield found.group()


if __name__ == "__main__":
    main()
