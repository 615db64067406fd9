"""What a model's pickles need that nobody captured.

Unpickling imports modules by name. MLflow captures what a model imports, but since pandas 3 a column of
strings is kept by pyarrow wherever that is installed, as it is beside ``mlflow``; a model that has kept
such a column (statsmodels does) cannot be loaded without it.
"""

import mmap
import re
from pathlib import Path

_PICKLE = re.compile(rb"\x80[\x02-\x05]")
"""How a pickle of protocol 2 to 5 begins."""


def is_pickled(module: str, folder: Path) -> bool:
    """Return whether a pickle in *folder* names *module*; one that is compressed is not looked into."""
    return any(_mentions(path, module.encode()) for path in folder.rglob("*") if path.is_file())


def _mentions(path: Path, name: bytes) -> bool:
    with path.open("rb") as file:
        if _PICKLE.match(file.read(2)) is None:
            return False
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return content.find(name) != -1
