"""A log line is one event, in text or JSON, and tells no payload."""

import json
import logging
import sys

import pytest
from lading_runtime.server.logs import EVENTS, JsonFormatter, Logged, TextFormatter


def record(message="layer written", *, level=logging.INFO, exc_info=None, **fields):
    """Return a record with *fields*."""
    made = logging.LogRecord("lading_runtime.x", level, "x.py", 1, message, None, exc_info)
    made.__dict__.update(fields)
    return made


def raised():
    """Return an exception that repeats a payload, as ``exc_info`` says it."""
    try:
        return int("secret")
    except ValueError:
        return sys.exc_info()


def test_text_has_time_level_process_logger_message_and_fields():
    """A text line begins with a UTC time and ends with its fields."""
    line = TextFormatter().format(record(status=200, path="/ping"))

    time, rest = line.split(" ", 1)
    assert time.endswith("Z")
    assert rest.endswith("] lading_runtime.x layer written status=200 path=/ping")


def test_text_quotes_what_is_no_word():
    """A field with spaces, line breaks or quotes cannot be mistaken for something else."""
    line = TextFormatter().format(record(reason='a b\n"c"', empty=""))

    assert line.endswith(' reason="a b\\n\\"c\\"" empty=""')


def test_json_is_one_object_per_line():
    """A JSON line holds the fields beside the message."""
    line = JsonFormatter().format(record("two\nlines", status=200))

    assert "\n" not in line
    parsed = json.loads(line)
    assert (parsed["level"], parsed["message"], parsed["status"]) == ("INFO", "two\nlines", 200)


@pytest.mark.parametrize("formatter", [TextFormatter(), JsonFormatter()])
def test_exceptions_show_frames_and_type_but_not_their_text(formatter):
    """What an exception says may be a payload; where it came from is not."""
    line = formatter.format(record(exc_info=raised()))

    assert "ValueError" in line
    assert "in raised" in line
    assert "invalid literal" not in line


@pytest.mark.parametrize("formatter", [TextFormatter(), JsonFormatter()])
def test_a_record_of_several_events_is_a_line_for_each(formatter):
    """Events that are logged together have lines of their own, each with its time and its fields."""
    events = [Logged(0.5, {"status": 200}), Logged(61.25, {"status": 404})]

    lines = formatter.format(record("request", **{EVENTS: events})).split("\n")

    assert ["00:00:00.500Z" in lines[0], "00:01:01.250Z" in lines[1]] == [True, True]
    assert ["200" in lines[0], "404" in lines[1]] == [True, True]
