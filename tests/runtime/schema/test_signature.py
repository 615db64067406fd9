"""Signatures as MLmodel writes them."""

import json

import pytest
from lading_runtime.schema.datatypes import (
    Anything,
    Array,
    BrokenSignature,
    Column,
    Map,
    Object,
    Property,
    Scalar,
    Tensor,
    read_type,
    write_type,
)
from lading_runtime.schema.signature import read_signature


def test_a_model_may_have_no_signature():
    """A model without a signature, or with nothing but one of outputs, says nothing of its inputs."""
    outputs = read_signature({"signature": {"outputs": json.dumps([{"type": "long"}])}})

    assert read_signature({}) is None
    assert outputs is not None
    assert outputs.inputs is None
    assert outputs.outputs == (Column(None, Scalar("long")),)


@pytest.mark.parametrize(
    ("written", "data_type"),
    [
        ({"type": "double"}, Scalar("double")),
        (
            {"type": "array", "items": {"type": "array", "items": {"type": "long"}}},
            Array(Array(Scalar("long"))),
        ),
        ({"type": "map", "values": {"type": "any"}}, Map(Anything())),
        ({"type": "sparkml_vector"}, Array(Scalar("double"))),
        (
            {
                "type": "object",
                "properties": {"p": {"type": "string"}, "q": {"type": "long", "required": False}},
            },
            Object((Property("p", Scalar("string"), True), Property("q", Scalar("long"), False))),
        ),
    ],
)
def test_types_are_read(written, data_type):
    """Each type that MLflow writes is read, and can be written and read again."""
    found = read_type(written)

    assert found == data_type
    assert str(read_type(write_type(found))) == str(data_type)


def test_a_column_is_required_unless_it_says_otherwise(make_signature):
    """Scalars are required by default; other types of old signatures, which say nothing, are optional."""
    scalar, optional, nested = make_signature(
        {"type": "long", "name": "a"},
        {"type": "long", "name": "b", "required": False},
        {"type": "any", "name": "c"},
    ).inputs.fields

    assert [field.is_required for field in (scalar, optional, nested)] == [True, False, False]


def test_tensors_are_read(make_signature):
    """A tensor has a dtype and a shape."""
    spec = {"dtype": "float32", "shape": [-1, 4]}

    assert make_signature({"type": "tensor", "tensor-spec": spec}).inputs.tensors == (
        Tensor(None, "float32", (-1, 4)),
    )


def test_plain_numbers_need_no_exact_reading(make_columns):
    """Values are read exactly only where they may reach the model as they are."""
    assert not make_columns(a="double", b="boolean").keeps_values
    assert make_columns(a="double", b="string").keeps_values


@pytest.mark.parametrize(
    "signature",
    [
        "x",
        {"inputs": 1},
        {"inputs": "{"},
        {"inputs": "[1]"},
        {"inputs": '[{"type": "quaternion"}]'},
        {"inputs": '[{"type": "array"}]'},
        {"inputs": '[{"type": "object", "properties": {"p": 1}}]'},
        {"inputs": '[{"type": "long", "name": ["a"]}]'},
        {"inputs": '[{"type": "long", "name": "a"}, {"type": "long"}]'},
        {"inputs": '[{"type": "long"}, {"type": "tensor", "tensor-spec": {"dtype": "int8", "shape": []}}]'},
        {"inputs": '[{"type": "tensor", "tensor-spec": {"dtype": "int8"}}]'},
        {"inputs": json.dumps([{"type": "tensor", "tensor-spec": {"dtype": "int8", "shape": [-1]}}] * 2)},
        {"params": '[{"name": "a", "type": "binary", "default": null}]'},
        {"params": '[{"name": "a", "type": "long", "default": "x"}]'},
        {"params": '[{"name": "a", "type": "long", "default": 1, "shape": [2]}]'},
        {"params": '[{"type": "long", "default": 1}]'},
    ],
)
def test_a_broken_signature_is_told_at_the_start(signature):
    """A signature that MLflow would not have written is an error when it is read, not at a request."""
    with pytest.raises(BrokenSignature):
        read_signature({"signature": signature})
