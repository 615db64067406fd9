"""Columnar bodies are read by what the model's environment has, or refused with what it lacks."""

import pandas as pd
import pytest
from lading_runtime.worker import columnar
from lading_runtime.worker.columnar import build_columnar
from lading_runtime.worker.frames import build
from lading_runtime.worker.problems import FormatError, PayloadError, SchemaError

FRAME = pd.DataFrame({"b": [1.5, 2.5], "a": [1, 2]})


def node(fields=None, name="parquet"):
    """A node of a columnar body."""
    return {"kind": "columnar", "format": name, "buffer": 0, "fields": fields}


@pytest.fixture
def reading(monkeypatch):
    """Return a function that says what the model's pandas does with a parquet body of no cells."""

    def does(read):
        monkeypatch.setattr(columnar, "_cells_of_parquet", lambda _: 0)
        monkeypatch.setattr(pd, "read_parquet", read)

    return does


def column(name, kind):
    """A field of a signature."""
    return {"name": name, "type": kind, "required": True}


def test_a_frame_is_read_from_the_whole_body(reading):
    """What pandas is given is the body, and what it gives is what the model gets without a signature."""
    seen = []

    def read(source):
        seen.append(source.read())
        return FRAME

    reading(read)

    assert build(node(), [bytearray(b"PAR1...PAR1")]) is FRAME
    assert seen == [b"PAR1...PAR1"]


def test_a_frame_is_enforced(reading):
    """With a signature the frame gets its columns, or becomes its tensors."""
    reading(lambda _: FRAME)

    frame = build_columnar(node([column("a", "long"), column("b", "double")]), [b""])
    tensors = build_columnar(node([{"name": "a", "dtype": "int64", "shape": [-1]}]), [b""])

    assert list(frame.columns) == ["a", "b"]
    assert tensors["a"].tolist() == [1, 2]
    with pytest.raises(SchemaError, match="column 'b'"):
        build_columnar(node([column("b", "long")]), [b""])


def test_what_cannot_be_read_is_the_clients(reading):
    """Whatever pandas raises, the body is at fault; what it says is not repeated."""

    def read(_):
        message = "secret"
        raise OSError(message)

    reading(read)

    with pytest.raises(PayloadError, match=r"^the body is no parquet \(OSError\)$"):
        build_columnar(node(), [b""])


def test_what_nobody_reads_is_said(reading):
    """An environment without a reader says which one it lacks."""

    def read(_):
        raise ImportError

    reading(read)

    with pytest.raises(FormatError, match="lacks what reads parquet: pandas with pyarrow or fastparquet"):
        build_columnar(node(), [b""])


@pytest.mark.parametrize("name", ["Arrow stream", "Arrow file"])
def test_arrow_takes_pyarrow(monkeypatch, name):
    """Arrow is read by pyarrow alone."""
    imported = []

    def refuse(module):
        imported.append(module)
        raise ModuleNotFoundError(module)

    monkeypatch.setattr(columnar, "import_module", refuse)

    with pytest.raises(FormatError, match=f"lacks what reads {name}: pandas with pyarrow;"):
        build_columnar(node(name=name), [b""])
    assert imported == ["pyarrow.ipc"]
