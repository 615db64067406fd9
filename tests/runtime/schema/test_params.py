"""Parameters, from JSON to what the model is given."""

import datetime as dt

import pytest
from lading_runtime.errors import InvalidParams


def param(kind, default, **others):
    """A parameter `p` as MLmodel writes it."""
    return {"name": "p", "type": kind, "default": default, "shape": None, **others}


def body(*params):
    """A body with the given params, or none."""
    return {"inputs": [1], **dict(zip(["params"], params, strict=False))}


@pytest.mark.parametrize(
    ("kind", "default", "sent", "value"),
    [
        ("double", 0.5, 1, 1.0),
        ("float", 0.5, None, None),
        ("long", 1, 2**70, 2**70),
        ("integer", 1, 2**40, 2**40),
        ("boolean", False, True, True),
        ("string", "x", "", ""),
        ("datetime", "2024-01-01T00:00:00", "2025-02-03", dt.date(2025, 2, 3)),
        ("datetime", "2024-01-01T00:00:00", "2025-02", dt.date(2025, 2, 1)),
        (
            "datetime",
            "2024-01-01T00:00:00",
            "2025-02-03 04",
            dt.datetime.fromisoformat("2025-02-03T04:00:00"),
        ),
        (
            "datetime",
            "2024-01-01T00:00:00",
            "2025-02-03T04:05:06.5Z",
            dt.datetime.fromisoformat("2025-02-03T04:05:06.500000"),
        ),
        ("datetime", "2024-01-01T00:00:00", "NaT", None),
    ],
)
def test_a_param_of_its_type_arrives(kind, default, sent, value, given_params, make_signature):
    """Whole numbers are floats, too; null is kept; a text that says a time is a date or a time."""
    found = given_params(make_signature(params=[param(kind, default)]), body({"p": sent}))["p"]

    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("kind", "default", "sent"),
    [
        ("long", 1, 2.0),
        ("long", 1, True),
        ("long", 1, [1]),
        ("double", 0.5, "0.5"),
        ("double", 0.5, 10**400),
        ("boolean", False, 1),
        ("string", "x", 1),
        ("datetime", "2024-01-01", 5),
        ("datetime", "2024-01-01", "abc"),
        ("datetime", "2024-01-01", "2025-13-01"),
        ("datetime", "2024-01-01", "2025-02-03T04:05:06.123456789"),
    ],
)
def test_a_param_of_another_type_is_refused(kind, default, sent, given_params, make_signature):
    """Types are strict, and the message names the parameter."""
    with pytest.raises(InvalidParams, match=r"\bp\b"):
        given_params(make_signature(params=[param(kind, default)]), body({"p": sent}))


def test_defaults_fill_what_is_not_sent(given_params, make_signature):
    """Sent params come first, in their order; then the defaults of the others; unknown ones are ignored."""
    of = make_signature(params=[param("long", n, name=f"p{n}") for n in range(3)])

    assert list(given_params(of, body({"p2": 5, "zz": 1})).items()) == [("p2", 5), ("p0", 0), ("p1", 1)]
    assert given_params(of, body()) == {"p0": 0, "p1": 1, "p2": 2}


def test_every_bad_param_is_named(given_params, make_signature):
    """A message names all parameters that do not fit."""
    of = make_signature(params=[param("long", n, name=f"p{n}") for n in range(3)])

    with pytest.raises(InvalidParams, match=r"p0.*p2"):
        given_params(of, body({"p0": "x", "p1": 1, "p2": "y"}))


def test_lists_hold_single_values(given_params, make_signature):
    """A parameter of a list takes flat lists of its type."""
    of = make_signature(params=[param("string", ["a"], shape=[-1])])

    assert given_params(of, body({"p": ["b", None]})) == {"p": ["b", None]}
    for sent in ("b", ["a", 1], [["a"]], None):
        with pytest.raises(InvalidParams):
            given_params(of, body({"p": sent}))


def test_objects_are_checked_and_left_alone(given_params, make_signature):
    """A parameter that is an object must conform to its type, and arrives as it was sent."""
    of = make_signature(params=[param("object", {"a": 1.0}, properties={"a": {"type": "double"}})])

    assert given_params(of, body({"p": {"a": 1}})) == {"p": {"a": 1}}
    with pytest.raises(InvalidParams):
        given_params(of, body({"p": {"b": 1}}))


@pytest.mark.parametrize("sent", [[1], "x", 1])
def test_params_are_an_object(sent, given_params, make_signature):
    """Params that are no object are refused."""
    with pytest.raises(InvalidParams):
        given_params(make_signature(params=[param("long", 1)]), body(sent))


def test_without_a_schema_params_are_dropped(given_params):
    """A model without parameters is given None if none were sent, and an empty dictionary otherwise."""
    assert given_params(None, body()) is None
    assert given_params(None, body({"a": 1})) == {}
