"""What a model's pickles need that nobody captured.

Unpickling imports modules by name. MLflow captures what a model imports, but since pandas 3 a column of
strings is kept by pyarrow wherever that is installed, as it is beside ``mlflow``; a model that has kept
such a column (statsmodels does) cannot be loaded without it.
"""

import mmap
import re
from collections.abc import Iterator
from pathlib import Path

_PICKLE = re.compile(rb"\x80[\x02-\x05]|PK")
"""How a pickle of protocol 2 to 5 begins, and an archive of pickles, which PyTorch does not compress."""

_IMPORT = rb"(?:c|\x8c.|X.{4})%s(?!\w)"
"""A module as pickles import it: after the opcode of a global or a text, not in a path of a stack trace."""

_OPCODE_BYTES = 5
"""As many bytes as stand before the name at most."""


def is_pickled(module: str, folder: Path) -> bool:
    """Return whether a pickle in *folder* imports *module*; one that is compressed is not looked into."""
    return any(_imports(path, module.encode()) for path in folder.rglob("*") if path.is_file())


def _imports(path: Path, name: bytes) -> bool:
    pattern = re.compile(_IMPORT % name, re.DOTALL)
    with path.open("rb") as file:
        if _PICKLE.match(file.read(2)) is None:
            return False
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return any(
                pattern.search(content[max(0, found - _OPCODE_BYTES) : found + len(name) + 1])
                for found in _places(content, name)
            )


def _places(content: mmap.mmap, name: bytes) -> Iterator[int]:
    """Yield where *name* stands; quicker than a pattern over gigabytes of weights."""
    found = content.find(name)
    while found != -1:
        yield found
        found = content.find(name, found + 1)
