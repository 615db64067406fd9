"""Prints, as JSON, the modules of the environment that loading a model and one prediction have imported.

    ENVIRONMENT/bin/python -B imported_modules.py RUNTIME_PACKAGE MODEL_FOLDER MLMODEL_AS_JSON

Standard library only, like the worker that it stands in for.
"""

import importlib
import importlib.util
import json
import sys
from collections.abc import Iterator
from pathlib import Path


def main(runtime: Path, model: Path, mlmodel: str) -> None:
    """Load *model*, predict from its input example, and tell what was imported."""
    spec = importlib.util.spec_from_file_location("bootstrap", runtime / "worker" / "bootstrap.py")
    assert spec is not None
    assert spec.loader is not None
    bootstrap = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bootstrap)
    bootstrap.make_importable(runtime)
    host = importlib.import_module("lading_runtime.worker.host")
    folder = importlib.import_module("lading_runtime.worker.model").ModelFolder(model, json.loads(mlmodel))
    ready = host.load_model(folder, is_shared=True)
    example = json.loads((model / "input_example.json").read_text())
    answer = ready.loaded.predict(importlib.import_module("pandas").DataFrame(**example), None)
    print(json.dumps({"answers": len(answer), "files": sorted(imported())}))  # noqa: T201 - what it is for


def imported() -> Iterator[str]:
    """Give the sources of the environment's modules that are imported."""
    packages = Path(sys.prefix).resolve() / "lib"
    for module in list(sys.modules.values()):
        file = Path(getattr(module, "__file__", None) or "/")
        if file.suffix == ".py" and file.resolve().is_relative_to(packages):
            yield str(file)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
