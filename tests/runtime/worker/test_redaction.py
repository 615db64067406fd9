"""Texts of errors without values of the payload."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lading_runtime.worker.redaction import (
    MARK,
    MAX_CHARACTERS,
    MAX_VALUES,
    MIN_TELLING_LENGTH,
    WITHHELD,
    Redactor,
)

telling = st.text(st.characters(codec="utf-8", exclude_characters=MARK), min_size=MIN_TELLING_LENGTH)


@given(telling, st.text(), st.text())
def test_no_telling_value_stays_in_a_text(value, before, after):
    """A value of five characters or more is in no text, wherever it stands."""
    assert value not in Redactor({"x": [value]})(before + value + after)


@pytest.mark.parametrize(
    "data",
    [
        {"secret": "tomato"},
        [["tomato"]],
        pd.DataFrame({"secret": ["tomato"]}),
        pd.Series(["tomato"]),
        np.array(["tomato"]),
        {"secret": np.array(["tomato"], dtype=object)},
        b"tomato",
        ("tomato",),
    ],
    ids=["dict", "list", "frame", "series", "array", "dict of arrays", "bytes", "tuple"],
)
def test_values_are_found_in_whatever_the_model_takes(data):
    """Frames, arrays, dictionaries and lists are searched; the names of columns and keys may be told."""
    assert Redactor(data)("no tomato in column secret") == f"no {MARK} in column secret"


def test_short_values_are_replaced_in_quotes_only():
    """A short text is replaced where it is quoted as a value; words and numbers around it stay."""
    redact = Redactor(["a", "7", 3])

    assert redact("a bad 'a' and \"7\" among 3 of 7") == f"a bad '{MARK}' and \"{MARK}\" among 3 of 7"


def test_quotes_within_quotes_are_found():
    """A short value is found where a library quotes what quotes it."""
    assert Redactor({"n": "7"})(repr([repr({"n": "7"}), 1])) == f"[\"{{'n': '{MARK}'}}\", 1]"


def test_numbers_are_values_too():
    """A number that is long enough to be recognised is replaced."""
    assert Redactor([123456.5])("X has 123456.5 in it") == f"X has {MARK} in it"


def test_shortened_values_are_replaced():
    """Where a library shows only the beginning or the end of a long value, that is replaced."""
    value = "a long story of somebody and what happened to them"

    assert Redactor([value])("got 'a long story of ...happened to them'") == f"got '{MARK}...{MARK}'"


def test_pydantic_shows_no_input():
    """What pydantic shows of its input is taken out, however it is cut."""
    text = "Input should be a valid integer [type=int_type, input_value={'a': [1, ...2]}, input_type=dict]"

    assert (
        Redactor([])(text)
        == f"Input should be a valid integer [type=int_type, input_value={MARK}, input_type=dict]"
    )


def test_large_payloads_are_not_searched():
    """About a payload with very many values nothing is told rather than too much."""
    assert Redactor([str(number) for number in range(MAX_VALUES + 2)])("a text") == WITHHELD


def test_very_long_texts_are_not_searched():
    """Of a text that is too long to be searched in time nothing is told."""
    assert Redactor([1])("x" * (MAX_CHARACTERS + 1)) == WITHHELD


def test_truths_and_nothings_are_no_values():
    """True, False and None are words, and are told."""
    assert Redactor([True, None])("'True' is not 'None'") == "'True' is not 'None'"
