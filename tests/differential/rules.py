"""Which requests a decision is about: kinds of cells, and traits of whole requests.

The conformance suite's rules look for columns by the models that it recorded, in four formats. Here they
look by the signature, in all formats; and there are kinds of values that the suite had no case of.
"""

import base64
import contextlib
import math
import re
from collections.abc import Callable, Iterator
from itertools import zip_longest
from types import ModuleType
from typing import Any

from tests.differential.bodies import CSV
from tests.differential.cells import LLM_KEYS, NESTED, Cells, Spec, kind_of, split_of_csv
from tests.differential.parties import Signature

Case = Any
"""`replay.Case`."""


def seeing(replay: ModuleType, rule: Any, signature: Signature, columns: dict[str, Any]) -> Any:
    """Return *rule* for the columns of a signature, which it finds in every format."""

    class SeeingRule(replay.Rule):  # type: ignore[name-defined,misc]  # a module that is loaded from a path
        def offenders(self, case: Case) -> set[str]:
            test = replay.VALUE_TESTS[self.match["value"]]
            is_csv = case.header("Content-Type") == CSV
            sent = {"dataframe_split": split_of_csv(case.body.decode())} if is_csv else case.payload
            found: set[str] = set()

            def look(spec: Spec, cell: Any) -> Any:
                value = number_of(spec, cell) if is_csv else cell
                is_met = test(spec, value) if test in TYPED_TESTS.values() else test(value)
                if kind_of(spec) in self.match["types"] and is_met:
                    found.add(spec.get("name", ""))
                return cell

            Cells(signature, look).document(sent)
            return found

    fields = {name: getattr(rule, name) for name in ("id", "decision", "required", "match", "accept")}
    return SeeingRule(columns=columns, **fields)


def value_tests(replay: ModuleType) -> dict[str, Callable[[Any], bool]]:
    """Return kinds of values that the suite's own rules do not look for."""
    return {
        "empty list or object": holds_nothing,
        "missing": replay.any_leaf(
            lambda value: value is None or (isinstance(value, float) and math.isnan(value))
        ),
        "no boolean": lambda value: value is not None and not isinstance(value, bool),
        "number": replay.any_leaf(replay.is_number),
        **TYPED_TESTS,
        "time beyond nanoseconds": lambda value: (
            isinstance(value, str)
            and re.match(r"\d{5,}|[03-9]\d{3}|1[0-5]\d\d|2[3-9]\d\d|16[0-7]\d|22[6-9]\d", value) is not None
        ),
        "beyond half floats": replay.any_leaf(lambda value: replay.is_number(value) and abs(value) > 65504),
    }


def singles(spec: Spec, cell: Any) -> Iterator[tuple[str, Any]]:
    """Yield the cells where single values belong, with the types that these have."""
    kind = spec["type"]
    if kind == "array" and isinstance(cell, list):
        for item in cell:
            yield from singles(spec["items"], item)
    elif kind == "map" and isinstance(cell, dict):
        for item in cell.values():
            yield from singles(spec["values"], item)
    elif kind == "object" and isinstance(cell, dict):
        for name in cell.keys() & spec["properties"].keys():
            yield from singles(spec["properties"][name], cell[name])
    elif kind not in NESTED:
        yield kind, cell


def misplaced(spec: Spec, cell: Any) -> bool:
    """Tell whether *cell* has anything but a boolean, or but base64, where one of these belongs."""
    found = [(kind, single) for kind, single in singles(spec, cell) if kind in ("boolean", "binary")]
    is_nested = spec["type"] in NESTED
    return any(
        isinstance(single, (list, dict))
        or (kind == "binary" and not (isinstance(single, str) and is_base64(single)))
        or (kind == "boolean" and is_nested and not isinstance(single, (bool, type(None))))
        for kind, single in found
    )


def bytes_of(text: str) -> bytes:
    """Return the bytes that a base64 text says; white space does not matter."""
    return base64.b64decode("".join(text.split()), validate=True)


def is_base64(text: str) -> bool:
    """Tell whether *text* is base64."""
    with contextlib.suppress(ValueError):
        return bytes_of(text) is not None
    return False


RANGES = {
    "integer": (-(2**31), 2**31), "long": (-(2**63), 2**63), "uint8": (0, 2**8), "uint64": (0, 2**64),
    "int8": (-(2**7), 2**7), "int32": (-(2**31), 2**31), "int64": (-(2**63), 2**63),
}  # fmt: skip


def out_of_range(spec: Spec, cell: Any) -> bool:
    """Tell whether *cell* is, or holds, a number that is none of an integer type."""
    if isinstance(cell, list):
        return any(out_of_range(spec, item) for item in cell)
    low, high = RANGES.get(kind_of(spec), (-math.inf, math.inf))
    return isinstance(cell, (int, float)) and not low <= cell < high


TYPED_TESTS: dict[str, Callable[..., bool]] = {"misplaced": misplaced, "out of range": out_of_range}
"""Tests that look at the type, too."""


def number_of(spec: Spec, cell: Any) -> Any:
    """Return the number that a text says in a column of numbers."""
    if isinstance(cell, str) and kind_of(spec) in ("integer", "long", "float", "double"):
        for read in (int, float):
            with contextlib.suppress(ValueError):
                return read(cell)
    return cell


def holds_nothing(value: Any) -> bool:
    """Tell whether *value* is, or holds in lists, an empty list or object."""
    return value in ([], {}) or (isinstance(value, list) and any(map(holds_nothing, value)))


def request_tests() -> dict[str, Callable[[Case], bool]]:
    """Return traits of requests that the suite's own rules do not look for."""
    return {
        "index of another length": has_other_index,
        "row longer than the header": has_long_row,
        "column twice": has_column_twice,
        "bare": is_bare,
        "objects by column": has_objects_by_column,
        "nameless values": has_nameless_values,
        "nameless fractions": has_nameless_fractions,
        "labels by key": has_labels_by_key,
        "objects as rows": has_objects_as_rows,
        "rows of different kinds": has_rows_of_different_kinds,
        "short year in params": has_short_year_in_params,
        "cells of different kinds": has_cells_of_different_kinds,
    }


def has_nameless_values(case: Case) -> bool:
    """Tell whether `inputs` or `instances` is a value without names, or a list of such."""
    payload = case.payload if isinstance(case.payload, dict) else {}
    sent = [payload[key] for key in ("inputs", "instances") if key in payload]
    return any(
        not isinstance(value, dict)
        and not (isinstance(value, list) and value and all(isinstance(row, dict) for row in value))
        for value in sent
    )


def has_labels_by_key(case: Case) -> bool:
    """Tell whether the labels of a split frame are an object, of which pandas takes the keys."""
    split = case.payload.get("dataframe_split") if isinstance(case.payload, dict) else None
    return isinstance(split, dict) and any(isinstance(split.get(key), dict) for key in ("columns", "index"))


def has_nameless_fractions(case: Case) -> bool:
    """Tell whether there is a number with a fraction among values without names."""
    payload = case.payload if isinstance(case.payload, dict) else {}
    sent = payload.get("inputs", payload.get("instances"))
    return has_nameless_values(case) and holds_fraction(sent)


def holds_fraction(value: Any) -> bool:
    """Tell whether *value* is, or holds in lists, a number with a fraction."""
    if isinstance(value, list):
        return any(map(holds_fraction, value))
    return isinstance(value, float) and not value.is_integer()


def has_objects_as_rows(case: Case) -> bool:
    """Tell whether `inputs` or `instances` is a list of objects."""
    payload = case.payload if isinstance(case.payload, dict) else {}
    rows = payload.get("inputs", payload.get("instances"))
    return isinstance(rows, list) and any(isinstance(row, dict) for row in rows)


def has_rows_of_different_kinds(case: Case) -> bool:
    """Tell whether a data frame has objects, lists and single values as rows."""
    payload = case.payload if isinstance(case.payload, dict) else {}
    split = payload.get("dataframe_split")
    rows = split.get("data") if isinstance(split, dict) else payload.get("dataframe_records")
    if not isinstance(rows, list):
        return False
    return len({type(row) if isinstance(row, (list, dict)) else None for row in rows}) > 1


def has_cells_of_different_kinds(case: Case) -> bool:
    """Tell whether a column of a data frame has lists beside single values."""
    payload = case.payload if isinstance(case.payload, dict) else {}
    split = payload.get("dataframe_split")
    rows = split.get("data") if isinstance(split, dict) else payload.get("dataframe_records")
    if not isinstance(rows, list) or not all(isinstance(row, (list, dict)) for row in rows):
        return False
    columns = zip_longest(*(row if isinstance(row, list) else row.values() for row in rows))
    return any(len({isinstance(cell, list) for cell in cells}) > 1 for cells in columns)


def has_short_year_in_params(case: Case) -> bool:
    """Tell whether a param, or a member of a body that is the input itself, is a year before 1000."""
    payload = case.payload if isinstance(case.payload, dict) else {}
    sent = payload if not LLM_KEYS.isdisjoint(payload) else payload.get("params")
    values = sent.values() if isinstance(sent, dict) else ()
    texts = [text for value in values for text in (value if isinstance(value, list) else [value])]
    return any(isinstance(text, str) and re.fullmatch(r"\d{1,3}", text) for text in texts)


def is_bare(case: Case) -> bool:
    """Tell whether the body is itself the input."""
    return isinstance(case.payload, dict) and not LLM_KEYS.isdisjoint(case.payload)


def has_objects_by_column(case: Case) -> bool:
    """Tell whether an object stands where a column would, or anything but a list in a split frame."""
    payload = case.payload if isinstance(case.payload, dict) else {}
    split = payload.get("dataframe_split")
    if isinstance(split, dict) and isinstance(split.get("data"), dict):
        return not all(isinstance(cells, list) for cells in split["data"].values())
    bare = {} if LLM_KEYS.isdisjoint(payload) else payload
    documents = (bare, payload.get("inputs"), payload.get("instances"))
    columns = [document for document in documents if isinstance(document, dict)]
    return any(isinstance(value, dict) for document in columns for value in document.values())


def has_other_index(case: Case) -> bool:
    """Tell whether a split frame has not one label for each row."""
    split = case.payload.get("dataframe_split") if isinstance(case.payload, dict) else None
    if not isinstance(split, dict) or not isinstance(split.get("index"), list):
        return False
    return isinstance(split.get("data"), list) and len(split["index"]) != len(split["data"])


def has_column_twice(case: Case) -> bool:
    """Tell whether two columns of a split frame are called the same."""
    split = case.payload.get("dataframe_split") if isinstance(case.payload, dict) else None
    labels = split.get("columns") if isinstance(split, dict) else None
    return isinstance(labels, list) and len(set(map(repr, labels))) < len(labels)


def has_long_row(case: Case) -> bool:
    """Tell whether a CSV has a row with more cells than the header."""
    if case.header("Content-Type") != CSV:
        return False
    split = split_of_csv(case.body.decode())
    return any(len(row) > len(split["columns"]) for row in split["data"])
