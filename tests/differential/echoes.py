"""Two echoes of what reached a model, equal but for what was decided about nulls, bytes and texts."""

import re
from collections.abc import Collection
from typing import Any

from tests.differential.rules import bytes_of, is_base64

# --- nulls, which MLflow 3.18 keeps and 3.17 says as texts ---

MISSING = {"NoneType:None", "float:nan"}
SAID_NULLS = {
    *("bool:False", "bool:True", "bool:np.False_"),
    *("str:'None'", "bytes:b'None'", "bytes_:np.bytes_(b'None')", "str_:np.str_('None')"),
}
SAID_IN_ARRAYS = [text[:length] for text in ("None", "nan") for length in range(1, len(text) + 1)]
"""An array of texts is as wide as the widest one that is sent, or as the first: the others are cut, too."""

NULL = re.compile(r"\bNone\b")
LIST_WITH_NULL = re.compile(r"\[[^][{}]*\bNone\b[^][{}]*\]")
CHARACTER = r"\\x[0-9a-f]{2}|\\u[0-9a-f]{4}|\\U[0-9a-f]{8}|\\.|[^'\\]"
TEXT = re.compile(f"'((?:{CHARACTER})*)'")
WIDTH = re.compile(r", dtype='<U\d+'")
DTYPE = re.compile(r", dtype=[^)]*")
"""How an array says what it holds, which is something else where it holds another value."""


def keep_nulls(expected: Any, found: Any, columns: Collection[str | int]) -> Any:
    """Return MLflow's echo of a data frame with the nulls of *found* where MLflow says them otherwise.

    Only in *columns*, by name or position, in which the request has a null, and which are equal else.
    """
    is_frame = expected.get("kind") == found.get("kind") == "DataFrame"
    if not is_frame or [len(row) for row in expected["rows"]] != [len(row) for row in found["rows"]]:
        return expected
    rows = [list(row) for row in expected["rows"]]
    dtypes = list(expected["dtypes"])
    for position, name in enumerate(expected["columns"]):
        pairs = [(mine[position], theirs[position]) for mine, theirs in zip(rows, found["rows"], strict=True)]
        is_equal = all(is_kept_null(*pair) or plain(pair[0]) == plain(pair[1]) for pair in pairs)
        if is_equal and (position in columns or name in map(repr, columns)):
            dtypes[position] = found["dtypes"][position]
            for row, theirs in zip(rows, found["rows"], strict=True):
                row[position] = theirs[position]
    return {**expected, "rows": rows, "dtypes": dtypes}


def is_kept_null(expected: str, found: str) -> bool:
    """Tell whether *found* is *expected* with null for what MLflow 3.17 makes of one."""
    if found in MISSING:
        return expected in SAID_NULLS
    said = {NULL.sub(text, found) for text in ("False", "b'None'", *map(repr, SAID_IN_ARRAYS))}
    said |= {cut_beside_null(found, text) for text in SAID_IN_ARRAYS}
    return expected != found and DTYPE.sub("", expected) in {DTYPE.sub("", each) for each in said}


def cut_beside_null(shown: str, text: str) -> str:
    """Return a shown cell with *text* for null in lists, and the other texts of these cut to its length."""

    def cut(match: re.Match[str]) -> str:
        return "'" + "".join(re.findall(CHARACTER, match[1])[: len(text)]) + "'"

    return LIST_WITH_NULL.sub(lambda match: TEXT.sub(cut, NULL.sub(repr(text), match[0])), shown)


def plain(cell: str) -> str:
    """Return a cell without the difference between NumPy's scalars and Python's."""
    bare = re.sub(r"^(str_|bytes_):np\.\w+?_?\((.*)\)$", r":\2", cell).partition(":")[2] or cell
    return re.sub(r"^np\.(True|False)_$", r"\1", bare)


# --- bytes that MLflow gives to the model as base64, and zeros that NumPy cuts off texts ---


def keep_texts(expected: Any, found: Any, texts: set[str]) -> Any:
    """Return MLflow's echo with zeros, and bytes for the *texts* that say them, where *found* has these."""
    if isinstance(expected, dict) and isinstance(found, dict):
        if {expected.get("kind"), found.get("kind")} == {"ndarray"} and are_texts(expected, found):
            expected = {**expected, "dtype": found["dtype"]}
        pairs = {key: (value, found.get(key)) for key, value in expected.items()}
        return {key: keep_texts(*pair, texts) for key, pair in pairs.items()}
    if isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        return [keep_texts(*pair, texts) for pair in zip(expected, found, strict=True)]
    if not isinstance(expected, str) or not isinstance(found, str):
        return expected
    is_dtype = (expected, found) == ("str", "object") and bool(texts)
    is_cut = re.sub(r"(\\x00)+'(?=[],)}]|$)", "'", found) == expected
    is_decoded = bool(texts) and DTYPE.sub("", decoded(expected, texts)) == DTYPE.sub("", found)
    is_wider = WIDTH.sub("", expected) == WIDTH.sub("", found)
    return found if is_dtype or is_cut or is_decoded or is_wider else expected


def are_texts(*arrays: dict[str, Any]) -> bool:
    """Tell whether arrays hold texts, however wide."""
    return all(array["dtype"].startswith("<U") for array in arrays)


def decoded(shown: str, texts: set[str]) -> str:
    """Return a shown cell with bytes for the *texts* that stand for them."""
    for text in sorted(filter(is_base64, texts), key=len, reverse=True):
        meant = repr(bytes_of(text))
        for said in (repr(text.encode()), repr(text)):
            shown = shown.replace(f"str:{said}", f"bytes:{meant}").replace(said, meant)
    return shown
