"""Strategies: JSON values for a type, biased to where the rules of two libraries meet."""

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

Values = st.SearchStrategy[Any]


class Literal(str):
    """Stands for JSON text that `json.dumps` would not write."""

    __slots__ = ()


EDGES = (0, 1, -1, 2, 127, 128, 255, 256, 2**31 - 1, 2**31, -(2**31), -(2**31) - 1, 2**32, 2**53, 2**53 + 1)
FAR_EDGES = (2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 2**64 - 1, 2**64, 10**20, -(10**25))
FLOATS = (0.0, -0.0, 0.5, 1.0, 2.0, -1.5, 0.1, 1e-50, 3e38, 3.4028235677973366e38, 1e39, 1e300, 65504.0, 1e19)
LITERALS = ("NaN", "Infinity", "-Infinity", "1e400", "-0", "1E2", "1.0e0", "5e-324", "0.30000000000000004")
NUMERIC_TEXTS = (
    "1", "-2", "12", " 7 ", "1.0", "1.5", "1e3", "1_0", "nan", "inf", "0x1", "٣", "+1", "", "1,5", "9" * 25,
)  # fmt: skip
BOOLEAN_TEXTS = ("true", "false", "True", "FALSE", "yes", "0", "maybe", "")
TEXTS = ("", "a", "é 😀", "null", "None", "nan", "\u0000", "a\nb", 'say "so"', "\ud800", "2024-01-02", "1")
BASE64 = ("YWJj", "YQ==", "", "YWJj\n", "_-8=", "not base64!", "abc", "2024-01-02", "é", "/+8=")
TIMES = (
    "2024-01-02", "2024-01-02T03:04:05", "2024-01-02 03:04", "2024-01-02T03:04:05.123456", "2024-01",
    "2024-01-02T03:04:05.123456789", "2024-01-02T03:04:05Z", "2024-01-02T03:04:05+02:00", "2024", "",
    "2024-01-02T03:04:05-0530", "2024-02-30", "12", "NaT", "2300-01-01", "1600-01-01", "gibberish",
    "20240102",
    "2024-01-02T03", "01/02/2024", "0999-12-31", "2024-01-02T24:00:00", "99999-01-01", "Jan 2 2024",
)  # fmt: skip
"""No "now" and "today": what they say depends on when they are read."""


def literals(*texts: str) -> Values:
    """Values that are said by these JSON texts."""
    return st.sampled_from(texts).map(Literal)


def integers() -> Values:
    """Whole numbers about the widths of integers."""
    return st.sampled_from(EDGES) | st.sampled_from(FAR_EDGES) | st.integers(-300, 300)


def floats() -> Values:
    """Numbers with fractions or exponents, and what is no finite number."""
    return st.sampled_from(FLOATS) | literals(*LITERALS) | st.floats(allow_nan=False, allow_infinity=False)


EDGES_OF: dict[str, Values] = {
    "boolean": st.booleans() | st.sampled_from((0, 1, *BOOLEAN_TEXTS)),
    "integer": st.sampled_from(EDGES) | st.integers(-300, 300),
    "long": integers(),
    "float": st.sampled_from(FLOATS) | st.floats(width=32, allow_nan=False, allow_infinity=False),
    "double": floats(),
    "string": st.sampled_from(TEXTS) | st.text(max_size=5),
    "binary": st.sampled_from(BASE64),
    "datetime": st.sampled_from(TIMES),
}
"""What looks like a type, and what is mistaken for it."""


def single() -> Values:
    """Any JSON value without others in it."""
    return st.one_of(
        st.none(),
        st.booleans(),
        integers(),
        floats(),
        st.sampled_from((*NUMERIC_TEXTS, *BOOLEAN_TEXTS, *TEXTS, *BASE64, *TIMES)),
    )


def anything() -> Values:
    """Any JSON value."""
    return st.recursive(single(), _nesting, max_leaves=4)


def _nesting(inner: Values) -> Values:
    return st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(("p", "q", "é")), inner, max_size=2)


# --- values of a type ---

VALID: dict[str, Values] = {
    "boolean": st.booleans(),
    "integer": st.integers(-(2**31), 2**31 - 1) | st.integers(-9, 9),
    "long": st.integers(-(2**63), 2**63 - 1) | st.integers(-9, 9),
    "float": st.floats(width=32, allow_nan=False, allow_infinity=False),
    "double": st.floats(allow_nan=False, allow_infinity=False),
    "string": st.sampled_from(("a", "é 😀", "2024-01-02")) | st.text("ab1 ", min_size=1, max_size=3),
    "binary": st.sampled_from(("YWJj", "YQ==", "/+8=")),
    "datetime": st.dates().map(str),
}
"""What nobody refuses."""


@dataclass(frozen=True)
class Kind:
    """How to make the values of a type out of those of single values."""

    scalars: dict[str, Values]
    mishaps: Values
    """Instead of a value: something else, or nothing; often empty."""

    def of(self, spec: dict[str, Any]) -> Values:
        """Return values of a type."""
        return self.mishaps.flatmap(lambda mishap: mishap if mishap is not None else self._fitting(spec))

    def _fitting(self, spec: dict[str, Any]) -> Values:
        kind = spec["type"]
        if kind == "array":
            return st.lists(self.of(spec["items"]), max_size=3)
        if kind == "sparkml_vector":
            return st.lists(self.scalars["double"], max_size=3)
        if kind == "map":
            return st.dictionaries(st.sampled_from(("k", "l", "é")), self.of(spec["values"]), max_size=2)
        if kind == "object":
            return self._members(spec["properties"])
        return anything() if kind == "any" else self.scalars[kind]

    def _members(self, specs: dict[str, Any]) -> Values:
        required = {name: self.of(inner) for name, inner in specs.items() if inner["required"]}
        optional = {name: self.of(inner) for name, inner in specs.items() if not inner["required"]}
        whole = st.fixed_dictionaries(required, optional=optional)
        loose = st.fixed_dictionaries({}, optional={**required, **optional, "z": single()})
        return whole if self is PLAIN else st.one_of(whole, whole, loose)


def _rarely() -> Values:
    """Strategies instead of a value: anything, null, or none."""
    return st.integers(0, 19).map({0: anything(), 1: st.none()}.get)


PLAIN = Kind(VALID, st.none())
"""Values that belong to their type."""

EDGY = Kind(EDGES_OF, _rarely())
"""Values that look like their type; some do not belong to it, and some are anything."""
