"""The cells of a request, by the columns of its signature, in whichever format they are sent."""

import csv
import io
from collections.abc import Callable
from typing import Any

from tests.differential.parties import Signature

Spec = dict[str, Any]
Change = Callable[[Spec, Any], Any]
"""What takes the place of a cell of a column."""

NESTED = ("array", "object", "map", "any", "sparkml_vector")
ROW_TYPES = ("array", "object", "sparkml_vector")
WHOLE_TYPES = ("tensor", *NESTED)
MISSING = (
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A",
    "NA", "NULL", "NaN", "None", "n/a", "nan", "null",
)  # fmt: skip
"""What `pandas.read_csv` reads as missing, as its documentation says (``na_values``)."""

LLM_KEYS = frozenset({"messages", "prompt", "input"})


class Cells:
    """Changes the cells of the columns that a signature has; everything else stays as it is."""

    def __init__(self, signature: Signature, change: Change) -> None:
        self._specs = signature.inputs
        self._by_name = {spec["name"]: spec for spec in signature.inputs if "name" in spec}
        self._change = change
        first = signature.inputs[0] if signature.inputs else {}
        self._is_one_value = "name" not in first and first.get("type") in WHOLE_TYPES
        """Whether `inputs` is the one value of a signature without names."""

    def document(self, document: Any) -> Any:
        """Return a JSON body with other cells."""
        if not isinstance(document, dict) or not self._specs:
            return document
        if not LLM_KEYS.isdisjoint(document):
            return self._by_column(document)
        readers = {
            "dataframe_split": self._split,
            "dataframe_records": self._records,
            "inputs": self._values,
            "instances": self._values,
        }
        return {key: readers[key](value) if key in readers else value for key, value in document.items()}

    def _split(self, split: Any) -> Any:
        if not isinstance(split, dict):
            return split
        if isinstance(split.get("data"), dict):
            columns = split["data"]
            specs = [self._by_name.get(key) for key in columns] if self._by_name else [*self._specs]
            specs += [None] * (len(columns) - len(specs))
            pairs = zip(columns.items(), specs, strict=False)
            return {**split, "data": {key: self._column(spec, cells) for (key, cells), spec in pairs}}
        if not isinstance(split.get("data"), list):
            return split
        labels = split.get("columns")
        data = [
            self._listed(row, labels) if isinstance(row, list) else self._lone(row, labels)
            for row in split["data"]
        ]
        return {**split, "data": data}

    def _listed(self, row: list[Any], labels: Any) -> list[Any]:
        """Return a row without names; *labels* say them, if they are a list."""
        if self._by_name and isinstance(labels, list):
            specs = [self._by_name.get(label) if isinstance(label, str) else None for label in labels]
        else:
            specs = [] if self._by_name else list(self._specs)
        specs += [None] * (len(row) - len(specs))
        return [self._cell(spec, cell) for spec, cell in zip(specs, row, strict=False)]

    def _lone(self, cell: Any, labels: Any) -> Any:
        """Return a row that is no list: the only cell of its column."""
        if isinstance(cell, dict):
            return self._row(cell)
        has_label = isinstance(labels, list) and len(labels) == 1
        return self._listed([cell], labels)[0] if has_label or not self._by_name else cell

    def _single(self, cell: Any, position: int) -> Any:
        return self._cell(self._specs[position], cell)

    def _records(self, rows: Any) -> Any:
        has_objects = isinstance(rows, list) and any(isinstance(row, dict) for row in rows)
        # Rows without names are called by numbers, which no column of a signature with names is.
        return self._rows(rows) if has_objects or not self._by_name else rows

    def _rows(self, rows: Any) -> Any:
        if not isinstance(rows, list):
            return rows
        return [self._row(row) if isinstance(row, dict) else self._unnamed(row) for row in rows]

    def _row(self, row: dict[str, Any]) -> dict[str, Any]:
        if not self._by_name:
            specs = [*self._specs, *[None] * (len(row) - len(self._specs))]
            return {
                name: self._cell(spec, cell) for (name, cell), spec in zip(row.items(), specs, strict=False)
            }
        return {name: self._cell(self._by_name.get(name), cell) for name, cell in row.items()}

    def _unnamed(self, value: Any) -> Any:
        if isinstance(value, list) and not self._by_name:
            return self._listed(value, None)
        # Values without names are those of the only column, or of none.
        return value if len(self._by_name) > 1 else self._single(value, 0)

    def _values(self, values: Any) -> Any:
        if self._is_one_value:
            return self._cell(self._specs[0], values)
        if isinstance(values, dict):
            return self._by_column(values)
        if isinstance(values, list):
            return self._rows(values)
        return values if self._by_name else self._single(values, 0)

    def _by_column(self, columns: dict[str, Any]) -> dict[str, Any]:
        if not self._by_name:
            return self._row(columns)
        # Where lists or objects are declared, values by column are one row.
        is_row = any(spec["type"] in ROW_TYPES for spec in self._specs) or (
            not LLM_KEYS.isdisjoint(columns) and all(map(is_one_cell, columns.values()))
        )
        if not is_row:
            columns = {name: self._column(self._by_name.get(name), cells) for name, cells in columns.items()}
        return {
            name: cells
            if isinstance(cells, list) and not is_row
            else self._cell(self._by_name.get(name), cells)
            for name, cells in columns.items()
        }

    def _column(self, spec: Spec | None, cells: Any) -> Any:
        return [self._cell(spec, cell) for cell in cells] if isinstance(cells, list) else cells

    def _cell(self, spec: Spec | None, cell: Any) -> Any:
        if spec is None:
            return cell
        if spec["type"] == "tensor" and isinstance(cell, list):
            return [self._cell(spec, item) for item in cell]
        return self._change(spec, cell)


def is_one_cell(value: Any) -> bool:
    """Tell whether MLflow takes *value* for one cell of a body that is the input itself."""
    return not isinstance(value, (list, dict)) or (
        isinstance(value, list) and all(isinstance(item, str) for item in value)
    )


def kind_of(spec: Spec) -> str:
    """Return the type of a column, or the dtype of a tensor."""
    return str(spec["tensor-spec"]["dtype"] if spec["type"] == "tensor" else spec["type"])


def split_of_csv(text: str) -> Any:
    """Return a CSV as a split data frame of texts; null for those that are missing."""
    rows = [row for row in csv.reader(io.StringIO(text)) if row]
    header, *rows = rows or [[]]
    even = [row + [""] * (len(header) - len(row)) for row in rows]
    return {"columns": header, "data": [[None if cell in MISSING else cell for cell in row] for row in even]}
