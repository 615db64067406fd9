"""``MLmodel``, the file that makes a folder a model."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lading.capture.yaml_file import read_mapping
from lading.digest import Digest
from lading.errors import InvalidModel
from lading.model import Model

FILE_NAME = "MLmodel"
_SCHEMAS = ("inputs", "outputs", "params")


def read_model(folder: Path) -> Model:
    """Return what the ``MLmodel`` file of *folder* says.

    Raises:
        InvalidModel: there is none, it is broken, or the model cannot be served; names the file and the key.
    """
    path = folder / FILE_NAME
    if not path.is_file():
        raise InvalidModel(f"{folder} has no {FILE_NAME} file", hint=_hint(folder))
    content = read_mapping(path, InvalidModel)
    return Model(
        folder=folder,
        flavours=_flavours(path, content.get("flavors")),
        mlflow_version=_text(path, content, "mlflow_version"),
        run_id=_text(path, content, "run_id"),
        model_id=_text(path, content, "model_id"),
        signature=_signature(path, content.get("signature")),
    )


def _hint(folder: Path) -> str:
    """Return where a model is that the user may have meant."""
    found = sorted(folder.glob(f"*/{FILE_NAME}")) or sorted(folder.glob(f"*/*/{FILE_NAME}"))
    return f"did you mean {found[0].parent}?" if found else "give the folder that holds it"


def _flavours(path: Path, flavours: object) -> Mapping[str, Mapping[str, object]]:
    if not isinstance(flavours, Mapping) or not flavours:
        raise InvalidModel(f"{path} names no flavours (key 'flavors')")
    for name, flavour in flavours.items():
        if not isinstance(flavour, Mapping):
            raise InvalidModel(f"{path}: key 'flavors.{name}' must hold keys")
    pyfunc = flavours.get("python_function")
    if pyfunc is None:
        names = ", ".join(sorted(map(repr, flavours)))
        raise InvalidModel(
            f"{path} has no flavour 'python_function', only {names}",
            hint="only models that MLflow can load as python_function can be served",
        )
    if not isinstance(pyfunc.get("loader_module"), str):
        raise InvalidModel(f"{path}: key 'flavors.python_function.loader_module' must name a module")
    return flavours


def _text(path: Path, content: Mapping[str, Any], key: str) -> str | None:
    value = content.get(key)
    if value is not None and not isinstance(value, str | int | float):
        raise InvalidModel(f"{path}: key {key!r} must be text")
    return None if value is None else str(value)


def _signature(path: Path, signature: object) -> Digest | None:
    """Return the digest of a signature, however its JSON was spaced when the model was logged."""
    if signature is None:
        return None
    if not isinstance(signature, Mapping):
        raise InvalidModel(f"{path}: key 'signature' must hold keys")
    schemas = {key: _schema(path, key, signature.get(key)) for key in _SCHEMAS}
    return Digest.of(json.dumps(schemas, sort_keys=True, separators=(",", ":")).encode())


def _schema(path: Path, key: str, text: object) -> object:
    try:
        return None if text is None else json.loads(str(text))
    except ValueError as error:
        raise InvalidModel(f"{path}: key 'signature.{key}' must be JSON") from error
