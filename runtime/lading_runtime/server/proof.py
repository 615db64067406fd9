"""Whether rows of several requests may be predicted together: known of the flavour, and shown by the model.

Nothing but the model can say that it gives each row the same answer in company as alone: some subtract
the mean of what they are given, and BLAS multiplies large matrices in another order than small ones, which
shows in the last digit. So when it is ready, the model predicts some rows alone and in batches of
several sizes, and every answer must be the same to the byte. The rows are those of its input example and
others that are made up after its signature.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import orjson

from lading_runtime.errors import ScoringError, Unsplittable
from lading_runtime.payload import Payload
from lading_runtime.protocol.decode import decode
from lading_runtime.protocol.encode import encode
from lading_runtime.schema.datatypes import Scalar
from lading_runtime.schema.signature import Inputs, Signature
from lading_runtime.schema.tensors import ELEMENTS, TensorSchema
from lading_runtime.server.joining import Value, join, part_of, parts_of, split
from lading_runtime.server.model import ServedModel
from lading_runtime.server.pool import Pool
from lading_runtime.server.predictor import Prediction

logger = logging.getLogger(__name__)

ROW_BY_ROW = frozenset(
    f"mlflow.{name}"
    for name in ("catboost", "keras", "lightgbm", "onnx", "pytorch", "sklearn", "tensorflow", "xgboost")
)
"""Loader modules of flavours whose models predict row by row."""

SIZES = (2, 3, 5, 16, 33, 64, 129)
"""Of the batches, in rows, and the largest that there may be: around the block sizes of BLAS."""

MAX_ROWS = 8
"""So many of the example, and so many that are made up."""

MAX_ELEMENTS = 1 << 18
"""Of a row that is made up."""

DEADLINE_S = 60.0
"""For each prediction."""

TRIAL_S = 0.5
"""How long a trial may keep the model from answering requests. Slow models are tried in smaller batches."""


class Unproven(Exception):
    """Rows must be predicted one request at a time; the text says why."""


def reason_against(model: ServedModel, signature: Signature | None) -> str | None:
    """Return why rows of different requests cannot be predicted together, or None if they might."""
    function = model.mlmodel["flavors"].get("python_function") or {}
    loader = function.get("loader_module")
    if loader not in ROW_BY_ROW:
        return f"models of {loader!r} need not predict row by row"
    if function.get("predict_fn") == "score":
        return "a score is one number for all rows"
    if signature is None or signature.inputs is None or signature.is_from_type_hint:
        return "the model has no signature of columns or tensors"
    inputs = signature.inputs
    if isinstance(inputs, TensorSchema) and any(tensor.shape[:1] != (-1,) for tensor in inputs.tensors):
        return "the first dimension of the model's tensors is fixed"
    return None


async def prove(pool: Pool, model: ServedModel, signature: Signature | None, max_rows: int) -> int:
    """Return how many rows may be predicted together, at most *max_rows*, when *pool* is ready.

    Raises:
        Unproven: only one.
    """
    reason = reason_against(model, signature)
    if reason is not None or signature is None:
        raise Unproven(reason or "the model has no signature")
    rows = rows_of(model, signature)
    if not rows:
        raise Unproven("no input example, and a signature of more than numbers: there is nothing to try")
    await pool.until_ready()
    try:
        return await _compare(pool, rows, max_rows)
    except Unsplittable as error:
        raise Unproven(error.message) from error
    except ScoringError as error:
        raise Unproven(f"the model does not answer what it is tried with ({type(error).__name__})") from error


async def _compare(pool: Pool, rows: list[Payload], max_rows: int) -> int:
    alone = [await _predict(pool, row) for row in rows]
    texts_alone = [_text((answer.value, answer.buffers)) for answer in alone]
    row_s = min(answer.model_s for answer in alone)
    proven = 1
    for size in sorted({*(size for size in SIZES if size < max_rows), max_rows}):
        if proven > 1 and size * row_s > TRIAL_S:
            break
        batch = list(islice(cycle(rows), size))
        together = await _predict(pool, join(batch))
        texts = map(_text, parts_of(together.value, together.buffers, [1] * size))
        if not all(map(bytes.__eq__, texts, cycle(texts_alone))):
            raise Unproven(f"{size} rows together are not answered as one by one")
        proven, row_s = size, together.model_s / size
    return proven


async def _predict(pool: Pool, payload: Payload) -> Prediction:
    return await pool.predict(payload, asyncio.get_running_loop().time() + DEADLINE_S)


def _text(value: Value) -> bytes:
    return encode(*value, is_wrapped=False)


def rows_of(model: ServedModel, signature: Signature) -> list[Payload]:
    """Return rows to try the model with, which can be joined; first of its example, then made up."""
    rows: list[Payload] = []
    for body in (example_of(model), made_up(signature.inputs)):
        if body is not None:
            rows += list(islice(_rows_of(body, signature), MAX_ROWS))
    keys = [part.key for part in map(part_of, rows) if part is not None]
    return [row for row in rows if (part := part_of(row)) is not None and part.key == keys[0]]


def _rows_of(body: bytes, signature: Signature) -> Iterator[Payload]:
    try:
        payload = decode(body, "application/json", signature)
    except ScoringError:  # an example that MLflow would refuse, too
        return
    if part_of(payload) is not None:
        for row in split(payload, 1) or ():
            yield row._replace(rows=None)


def example_of(model: ServedModel) -> bytes | None:
    """Return the model's input example as the body of a request, or None if there is none."""
    info = model.mlmodel.get("saved_input_example_info") or {}
    serving, plain = info.get("serving_input_path"), info.get("artifact_path")
    if serving:
        return _read(model.folder / str(serving))
    example = _read(model.folder / str(plain)) if plain else None
    if example is not None and info.get("pandas_orient") == "split":
        return b'{"dataframe_split": ' + example + b"}"
    return example


def _read(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except OSError:
        return None


def made_up(inputs: Inputs | None) -> bytes | None:
    """Return the body of a request with numbers for everything that *inputs* declare, if they are numbers."""
    if isinstance(inputs, TensorSchema):
        return _made_up_tensors(inputs)
    if inputs is None or not all(_is_number(field.type) for field in inputs.fields):
        return None
    names = [field.name for field in inputs.fields]
    whole = [str(field.type) in ("integer", "long") for field in inputs.fields]
    data = [
        [_number(row * len(names) + column, is_whole=whole[column]) for column in range(len(names))]
        for row in range(MAX_ROWS)
    ]
    return orjson.dumps({"dataframe_split": {"columns": names, "data": data}})


def _is_number(data_type: object) -> bool:
    return isinstance(data_type, Scalar) and data_type.name in ("integer", "long", "float", "double")


def _number(position: int, *, is_whole: bool) -> float:
    """Return some number between 0 and 8, with as many digits as it can have."""
    return position * 7 % 9 if is_whole else position * 0.6180339887498949 % 1 * 8


def _made_up_tensors(inputs: TensorSchema) -> bytes | None:
    values: dict[str, Any] = {}
    flat: list[Any] = []
    for tensor in inputs.tensors:
        shape = [MAX_ROWS, *(max(length, 1) for length in tensor.shape[1:])]
        elements = 1
        for length in shape:
            elements *= length
        if tensor.dtype not in ELEMENTS or -1 in tensor.shape[1:] or elements > MAX_ROWS * MAX_ELEMENTS:
            return None
        is_whole = "float" not in tensor.dtype
        flat = [_number(position, is_whole=is_whole) % 2 for position in range(elements)]
        for length in reversed(shape[1:]):
            flat = [flat[start : start + length] for start in range(0, len(flat), length)]
        values[str(tensor.name)] = flat
    return json.dumps({"inputs": values if inputs.is_named else flat}).encode()
