"""What a model's pickles need that nobody captured.

Unpickling imports modules by name. MLflow captures what a model imports, but since pandas 3 a column of
strings is kept by pyarrow wherever that is installed, as it is beside ``mlflow``; a model that has kept
such a column (statsmodels does) cannot be loaded without it.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from lading.errors import InvalidModel

_PICKLE = re.compile(rb"\x80[\x02-\x05]|PK")
"""How a pickle of protocol 2 to 5 begins, and an archive of pickles, which PyTorch does not compress."""

_IMPORT = rb"(?:c|\x8c.|X.{4})%s(?!\w)"
"""A module as pickles import it: after the opcode of a global or a text, not in a path of a stack trace."""

_OPCODE_BYTES = 5
"""As many bytes as stand before the name at most."""

_CHUNK_BYTES = 1 << 20


def is_pickled(module: str, folder: Path) -> bool:
    """Return whether a pickle in *folder* imports *module*; one that is compressed is not looked into.

    Raises:
        InvalidModel: a file cannot be read.
    """
    found = (path for path in folder.rglob("*") if path.is_file())
    return any(_imports(path, module.encode(), folder) for path in found)


def _imports(path: Path, name: bytes, folder: Path) -> bool:
    pattern = re.compile(_IMPORT % name, re.DOTALL)
    try:
        with path.open("rb") as file:
            if _PICKLE.match(file.read(2)) is None:
                return False
            return any(pattern.search(place) for place in _places(file, name))
    except OSError as error:
        raise InvalidModel(
            f"{path.relative_to(folder).as_posix()!r} in the model folder cannot be read ({error.strerror})",
            hint="replace or remove it",
        ) from error


def _places(file: BinaryIO, name: bytes) -> Iterator[bytes]:
    """Yield *name* with what stands around it, each time; quicker than a pattern over gigabytes of weights.

    The file is read and not mapped: one that gets shorter meanwhile would end this process.
    """
    around_bytes = _OPCODE_BYTES + len(name) + 1
    content, following = b"", file.read(_CHUNK_BYTES)
    while following:
        content, following = content[-around_bytes:] + following, file.read(_CHUNK_BYTES)
        # at the end of a chunk it is not known yet what stands behind the name
        end = len(content) - (1 if following else 0)
        found = content.find(name, 0, end)
        while found != -1:
            yield content[max(0, found - _OPCODE_BYTES) : found + len(name) + 1]
            found = content.find(name, found + 1, end)
