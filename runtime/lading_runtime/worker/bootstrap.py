"""Starts the model host in the model's interpreter, which knows nothing of the server's packages.

    MODEL_PYTHON .../lading_runtime/worker/bootstrap.py --control-fd N --mlmodel-fd M --model FOLDER
        --busy-poll-us U

`lading_runtime` is made importable by itself: the folder that holds it also holds the server's
packages, and the folder of this file holds modules with names that a model may use.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path

PACKAGE = "lading_runtime"


def make_importable(folder: Path) -> None:
    """Import the package in *folder* without putting any folder on ``sys.path``."""
    spec = importlib.util.spec_from_file_location(
        PACKAGE, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None  # noqa: S101 - the file's name ends with .py
    assert spec.loader is not None  # noqa: S101 - as above
    module = importlib.util.module_from_spec(spec)
    sys.modules[PACKAGE] = module
    spec.loader.exec_module(module)


def main() -> None:
    """Import everything of ours, then run the host: MLflow puts a model's code first on ``sys.path``."""
    here = Path(__file__).resolve().parent
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != here]
    make_importable(here.parent)
    importlib.import_module(f"{PACKAGE}.worker.host").main(sys.argv[1:])


if __name__ == "__main__":
    main()
