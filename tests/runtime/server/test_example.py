"""The example that people see first: the model's own, cut to what can be looked at."""

import json

import pytest
from lading_runtime.server.example import MAX_BYTES, MAX_ROWS, example_body
from lading_runtime.server.model import ServedModel

from tests.runtime.signatures import signature_of

NAMED = signature_of([{"type": "long", "name": "a", "required": True}], [])
FREE = signature_of([{"type": "tensor", "tensor-spec": {"dtype": "int64", "shape": [-1, 2]}}], [])
FIXED = signature_of([{"type": "tensor", "tensor-spec": {"dtype": "int64", "shape": [9]}}], [])


@pytest.fixture
def logged(tmp_path):
    """Return a function that gives the example of a model that was logged with a text as its example."""

    def example(text, signature):
        (tmp_path / "serving_input_example.json").write_text(text)
        info = {"artifact_path": "input_example.json", "serving_input_path": "serving_input_example.json"}
        model = ServedModel(tmp_path, {"flavors": {}, "saved_input_example_info": info})
        return example_body(model, signature)

    return example


@pytest.mark.parametrize(
    ("body", "signature", "first"),
    [
        (
            {"dataframe_split": {"columns": ["a"], "index": [*range(9)], "data": [[n] for n in range(9)]}},
            NAMED,
            {"dataframe_split": {"columns": ["a"], "index": [*range(5)], "data": [[n] for n in range(5)]}},
        ),
        (
            {"dataframe_records": [{"a": n} for n in range(9)], "params": {"p": [*range(9)]}},
            NAMED,
            {"dataframe_records": [{"a": n} for n in range(5)], "params": {"p": [*range(9)]}},
        ),
        ({"inputs": {"a": [*range(9)]}}, NAMED, {"inputs": {"a": [*range(5)]}}),
        ({"inputs": [[n, n] for n in range(9)]}, FREE, {"inputs": [[n, n] for n in range(5)]}),
        ({"inputs": [*range(9)]}, FIXED, {"inputs": [*range(9)]}),
        ({"messages": [*range(9)]}, None, {"messages": [*range(9)]}),
    ],
)
def test_the_first_rows_of_an_example_are_kept(logged, body, signature, first):
    """Tables, columns and tensors are cut to five rows; what has no rows, or a fixed number, stays whole."""
    assert MAX_ROWS == 5
    assert logged(json.dumps(body), signature) == first


def test_an_example_too_large_to_be_looked_at_is_left_out(logged):
    """One row may be a picture; a page and a document of megabytes would help nobody."""
    assert logged(json.dumps({"inputs": ["x" * MAX_BYTES]}), NAMED) is None


@pytest.mark.parametrize("text", ["a,b\n1,2\n", "[1, 2]", "", "nonsense"])
def test_an_example_that_is_no_body_is_made_up(logged, text):
    """A model whose example is no JSON object gets one by its signature."""
    assert logged(text, NAMED) == {"dataframe_split": {"columns": ["a"], "data": [[1]]}}


def test_a_type_hint_takes_inputs(logged):
    """A model with a type hint is shown the one format that it takes."""
    text = [{"type": "string", "required": True}]
    signature = signature_of(text, [], is_signature_from_type_hint=True)

    assert logged("", signature) == {"inputs": ["text"]}


def test_large_tensors_are_not_made_up(logged):
    """A picture of zeros says nothing."""
    shape = {"dtype": "float32", "shape": [-1, 3, 224, 224]}

    assert logged("", signature_of([{"type": "tensor", "tensor-spec": shape}], [])) is None
