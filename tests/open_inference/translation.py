"""Requests and answers of ``/invocations`` as those of the Open Inference Protocol.

Written for the tests, after the protocol and MLServer's mapping; nothing of the server's own is used.
"""

import json
from typing import Any

INFERRED = {bool: "BOOL", int: "INT64", float: "FP64", str: "BYTES"}


def tensor(name: str, datatype: str, shape: list[int], data: list[Any]) -> dict[str, Any]:
    """A tensor of a request."""
    return {"name": name, "datatype": datatype, "shape": shape, "data": data}


def request_of(body: dict[str, Any], metadata: dict[str, Any]) -> dict[str, Any]:
    """Return what *body* asks as tensors, of the datatypes that the model's *metadata* declare."""
    declared = {item["name"]: item["datatype"] for item in metadata["inputs"]}
    split = split_of(body)
    if split is not None:
        # Without a signature only the request can say that its tensors are columns.
        table = {} if declared else {"content_type": "pd"}
        parameters = {**table, **(body.get("params") or {})}
        return {"kind": "frame", "tensors": columns_of(split, declared), "parameters": parameters}
    extra = {"parameters": body["params"]} if body.get("params") else {}
    if "inputs" not in body:  # the body is the input itself, as those of language models are
        tensors = [tensor_of(name, item, declared.get(name)) for name, item in body.items()]
        return {"kind": "frame", "tensors": tensors}
    value = body["inputs"]
    if isinstance(value, dict):
        tensors = [tensor_of(name, item, declared.get(name)) for name, item in value.items()]
        return {"kind": "dict", "tensors": tensors, **extra}
    name, datatype = next(iter(declared.items()), ("input-0", None))
    return {"kind": "array", "tensors": [tensor_of(name, value, datatype)], **extra}


def split_of(body: dict[str, Any]) -> dict[str, Any] | None:
    """Return a body's data frame as a split one, or None if it has none."""
    rows = body.get("dataframe_records")
    if rows is None:
        split: dict[str, Any] | None = body.get("dataframe_split")
        return split
    return {"columns": list(rows[0]), "data": [[row[name] for name in rows[0]] for row in rows]}


def columns_of(split: dict[str, Any], declared: dict[str, str]) -> list[dict[str, Any]]:
    """Return the columns of a split data frame."""
    rows = split["data"]
    columns = [[row[position] for row in rows] for position in range(len(rows[0]))]
    names = split.get("columns") or list(range(len(columns)))
    return [
        column(str(name), cells, declared.get(str(name))) for name, cells in zip(names, columns, strict=True)
    ]


def column(name: str, cells: list[Any], datatype: str | None) -> dict[str, Any]:
    """Return a column as a tensor; lists and objects are JSON texts."""
    if not any(isinstance(cell, (list, dict)) for cell in cells):
        return tensor(name, datatype or inferred(cells), [len(cells), 1], cells)
    return {**tensor(name, "BYTES", [len(cells), 1], list(map(json.dumps, cells))), "is_json": True}


def tensor_of(name: str, value: Any, datatype: str | None) -> dict[str, Any]:
    """Return a nested list as a tensor."""
    shape, cells = [], value
    while isinstance(cells, list) and cells and isinstance(cells[0], list):
        shape.append(len(cells))
        cells = [item for row in cells for item in row]
    *_, total = [*shape, len(cells)]
    last = total // shape_product(shape)
    return tensor(name, datatype or inferred(cells), lengths(shape, last), cells)


def lengths(counts: list[int], last: int) -> list[int]:
    """Return the shape of which *counts* are the elements of each level but the last."""
    return [count // previous for count, previous in zip(counts, [1, *counts], strict=False)] + [last]


def shape_product(counts: list[int]) -> int:
    """Return how many innermost lists there are."""
    return counts[-1] if counts else 1


def inferred(cells: list[Any]) -> str:
    """Return the datatype of JSON values."""
    kinds = {type(cell) for cell in cells} - {type(None)}
    return "FP64" if kinds == {int, float} else INFERRED[kinds.pop()]


def outputs_of(predictions: Any, metadata: dict[str, Any]) -> dict[str, list[Any]]:
    """Return what ``/invocations`` predicts as outputs by name, each of them flat."""
    names = [item["name"] for item in metadata["outputs"]]
    if isinstance(predictions, dict):
        return {name: flat(value) for name, value in predictions.items()}
    if isinstance(predictions, list) and isinstance(predictions[0], dict):
        keys = list(predictions[0])
        return {
            column_name(key, position, names): [row[key] for row in predictions]
            for position, key in enumerate(keys)
        }
    return {names[0] if len(names) == 1 else "output-0": flat(predictions)}


def column_name(key: str, position: int, names: list[str]) -> str:
    """Return the output that a column becomes: those without names have numbers."""
    return f"output-{position}" if key == str(position) or f"output-{position}" in names else key


def flat(value: Any) -> list[Any]:
    """Return single values in order; an object is one."""
    return [item for part in value for item in flat(part)] if isinstance(value, list) else [value]


def same(found: dict[str, list[Any]], expected: dict[str, list[Any]]) -> bool:
    """Tell whether outputs are as expected; what no datatype has is there as JSON text."""
    return found.keys() == expected.keys() and all(
        len(found[name]) == len(expected[name])
        and all(is_same(*pair) for pair in zip(found[name], expected[name], strict=True))
        for name in expected
    )


def is_same(found: Any, expected: Any) -> bool:
    """Tell whether an element is as expected."""
    if isinstance(found, str) and not isinstance(expected, str):
        return bool(json.loads(found) == expected)
    return bool(found == expected)
