"""Control files."""

from lading.debian.control import parse_paragraph, parse_paragraphs


def test_a_field_may_have_several_lines():
    """They belong to it as long as they begin with a blank; what is no field is left out."""
    text = "# a comment\nPackage: a\nDepends: b,\n c\nno field\nEmpty:\n"

    assert parse_paragraph(text) == {"Package": "a", "Depends": "b,\nc", "Empty": ""}


def test_empty_lines_divide_paragraphs():
    """However many there are; a paragraph of comments is none."""
    text = "\n\nA: 1\nB: 2\n\n \nA: 3\n\n# nothing\n"

    assert parse_paragraphs(text) == [{"A": "1", "B": "2"}, {"A": "3"}]
