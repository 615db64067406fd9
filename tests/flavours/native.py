"""Load the models of a flavour with our loader, where there is no MLflow; print what they answer.

python -m tests.flavours.native FOLDER
"""

import importlib.util
import json
import pickle
import sys
from pathlib import Path
from typing import Any

from lading_runtime.worker.loaders import choice
from lading_runtime.worker.model import LoadedModel, ModelFolder

from tests.flavours.describe import describe, describe_error
from tests.flavours.packing import unpack


def answer(loaded: LoadedModel, data: Any, params: Any) -> Any:
    """Return what *loaded* answers."""
    try:
        return describe(loaded.predict(data, params))
    except Exception as error:  # noqa: BLE001 - what is raised is part of the answer
        return describe_error(error)


def answers(folder: Path) -> dict[str, Any]:
    """Return which loader loaded one variant, and what it answers."""
    mlmodel = json.loads((folder / "mlmodel.json").read_text())
    try:
        loaded = choice.load(ModelFolder(folder / "model", mlmodel))
    except Exception as error:  # noqa: BLE001 - the other variants are still asked
        return {"loader": f"{type(error).__name__}: {error}", "answers": []}
    requests = pickle.loads((folder / "requests.pickle").read_bytes())  # noqa: S301 - our own
    return {
        "loader": loaded.loader,
        "answers": [answer(loaded, unpack(data), params) for data, params in requests],
    }


if __name__ == "__main__":
    assert importlib.util.find_spec("mlflow") is None, "MLflow is in this environment, so nothing is shown"
    found = {folder.name: answers(folder) for folder in sorted(Path(sys.argv[1]).iterdir())}
    sys.stdout.write("\n" + json.dumps(found))
