"""``RECORD`` files."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lading.engines.oci.record import Record, row

PATHS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1)


@given(st.dictionaries(PATHS, st.tuples(st.sampled_from(["", "sha256=abc"]), st.sampled_from(["", "7"]))))
def test_what_is_written_is_read(rows):
    """Commas, quotes and other characters in paths come out again."""
    assert Record.parse(Record(rows).encode().decode()).rows == rows


def test_rows_are_sorted_and_end_as_on_unix():
    """The same files give the same bytes, in whatever order they were found."""
    record = Record({"b": ("", ""), "a,b": ("sha256=x", "1"), "B": ("", "")})

    assert record.encode() == b'B,,\n"a,b",sha256=x,1\nb,,\n'


def test_a_row_has_hash_and_size_of_the_content():
    """The hash is URL-safe base64 without padding."""
    assert row([b"", b"x = ", b"1\n"]) == row([b"x = 1\n"])
    assert row([]) == ("sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU", "0")


@pytest.mark.parametrize("text", ['a,"b\n', "one,two\n", "a,b,c,d\n"])
def test_what_is_no_table_of_three_is_refused(text):
    """Nobody guesses what a broken RECORD meant."""
    with pytest.raises(ValueError, match=r"\w"):
        Record.parse(text)
