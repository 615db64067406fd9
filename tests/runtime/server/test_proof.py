"""What speaks against batches, and the rows that models are tried with."""

import json
from typing import Any

import pytest
from lading_runtime.schema.signature import Signature, read_signature
from lading_runtime.server.joining import part_of
from lading_runtime.server.model import ServedModel
from lading_runtime.server.proof import MAX_ROWS, reason_against, rows_of

COLUMNS = [{"type": "double", "name": "a", "required": True}, {"type": "long", "name": "b", "required": True}]
TEXTS = [{"type": "string", "name": "a", "required": True}]


def model_in(folder, *, loader="mlflow.sklearn", inputs=COLUMNS, example=None, **function):
    """A model with its signature; *example* is what its input example's file holds."""
    mlmodel: dict[str, Any] = {"flavors": {"python_function": {"loader_module": loader, **function}}}
    if inputs is not None:
        mlmodel["signature"] = {"inputs": json.dumps(inputs)}
    if example is not None:
        (folder / "input_example.json").write_text(json.dumps(example))
        mlmodel["saved_input_example_info"] = {
            "artifact_path": "input_example.json",
            "pandas_orient": "split",
        }
    return ServedModel(folder, mlmodel), read_signature(mlmodel)


def tensor(*shape):
    """A tensor as a signature declares it."""
    return [{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": list(shape)}}]


@pytest.mark.parametrize("inputs", [COLUMNS, TEXTS, tensor(-1, 3)])
def test_nothing_speaks_against_flavours_that_predict_row_by_row(tmp_path, inputs):
    """Columns, and tensors with a first dimension of any length, may be batched if the model proves it."""
    assert reason_against(*model_in(tmp_path, inputs=inputs)) is None


@pytest.mark.parametrize(
    ("differently", "reason"),
    [
        ({"loader": "mlflow.pyfunc.model"}, "need not predict row by row"),
        ({"loader": "mlflow.statsmodels"}, "need not predict row by row"),
        ({"predict_fn": "score"}, "a score"),
        ({"inputs": None}, "no signature"),
        ({"inputs": tensor(1, 3)}, "is fixed"),
    ],
)
def test_what_may_need_all_rows_is_never_batched(tmp_path, differently, reason):
    """Other flavours, scores, models without a signature and tensors of a fixed length stay as they are."""
    assert reason in str(reason_against(*model_in(tmp_path, **differently)))


def test_a_model_whose_code_reads_its_input_is_never_batched(tmp_path):
    """Type hints say nothing of rows."""
    model, signature = model_in(tmp_path)

    assert reason_against(model, Signature(signature.inputs, is_from_type_hint=True)) is not None


def test_rows_are_those_of_the_example_and_made_up_ones(tmp_path):
    """They can all be joined, and have one row each."""
    rows = rows_of(*model_in(tmp_path, example={"columns": ["a", "b"], "data": [[1.5, 2], [3.5, 4]]}))

    assert len(rows) == 2 + MAX_ROWS
    assert {part.rows for part in map(part_of, rows) if part} == {1}
    assert len(set(map(part_of, rows))) == 1


@pytest.mark.parametrize("inputs", [COLUMNS, tensor(-1, 2, 3)])
def test_numbers_need_no_example(tmp_path, inputs):
    """A signature of nothing but numbers says enough to make rows up, and all of them differ."""
    rows = rows_of(*model_in(tmp_path, inputs=inputs))

    assert len({bytes(buffer) for row in rows for buffer in row.buffers[:1]}) == MAX_ROWS


def test_texts_are_not_made_up(tmp_path):
    """A model of texts without an example has nothing to be tried with."""
    assert rows_of(*model_in(tmp_path, inputs=TEXTS)) == []
