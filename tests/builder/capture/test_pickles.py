"""What pickles import, read without unpickling."""

import pickle
from errno import EACCES
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lading.capture.pickles import is_pickled
from lading.errors import InvalidModel

MEBIBYTE = 1 << 20
IMPORT = b"\x8c\x07pyarrow"
"""As protocol 4 has it: the opcode of a short text, its length, and the text."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder."""
    return tmp_path_factory.mktemp("model")


@given(st.integers(-20, 20), st.sampled_from([(b"", True), (b"\x94", True), (b"_hotfix", False)]))
def test_an_import_is_found_wherever_it_stands(folder, offset, behind):
    """Also across what is read at once, and at the very end; a longer name is another one."""
    text, is_found = behind
    before = pickle.PROTO + b"\x04" + b"." * (2 * MEBIBYTE + offset - 2)
    (folder / "model.pkl").write_bytes(before + IMPORT + text)

    assert is_pickled("pyarrow", folder) == is_found


def test_a_file_that_cannot_be_read_is_told(tmp_path, monkeypatch):
    """By its name, with what to do."""

    def denied(*_: object) -> None:
        raise PermissionError(EACCES, "Permission denied")

    (tmp_path / "model.pkl").touch()
    monkeypatch.setattr(Path, "open", denied)

    with pytest.raises(
        InvalidModel, match=r"^'model.pkl' in the model folder cannot be read \(Perm.*replace"
    ):
        is_pickled("pyarrow", tmp_path)
