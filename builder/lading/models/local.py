"""Model folders on this machine; they are used where they are, never copied."""

import os
import re
from pathlib import Path

from lading.errors import InvalidModel, ModelNotFound
from lading.model import ResolvedModel
from lading.reference import LocalModel

MLMODEL = "MLmodel"
_RUN_ID = re.compile(r"[0-9a-f]{32}(/.*)?")


def local_model(ref: LocalModel, folder: Path) -> ResolvedModel:
    """Return the model of a local path.

    Args:
        ref: the path.
        folder: what a relative one counts from.

    Raises:
        ModelNotFound: there is nothing at the path.
        InvalidModel: there is no folder at the path, or it is no model's.
    """
    path = folder / Path(os.path.expanduser(ref.path))  # noqa: PTH111 - pathlib's raises for unknown users
    if not path.exists():
        raise ModelNotFound(f"there is no folder {str(ref.path)!r}", hint=_meant(str(ref.path)))
    if not path.is_dir():
        hint = (
            f"did you mean {path.parent}?" if path.name == "MLmodel" else "give the folder that holds MLmodel"
        )
        raise InvalidModel(f"{str(ref.path)!r} is a file", hint=hint)
    return checked(ResolvedModel(ref, path))


def checked(model: ResolvedModel) -> ResolvedModel:
    """Return *model* if its folder is a model's.

    Raises:
        InvalidModel: it is none.
    """
    if not (model.folder / MLMODEL).is_file():
        found = sorted(model.folder.glob(f"*/{MLMODEL}")) or sorted(model.folder.glob(f"*/*/{MLMODEL}"))
        hint = f"did you mean {found[0].parent}?" if found else "give the folder that holds it"
        raise InvalidModel(f"{model.folder} has no {MLMODEL} file", hint=hint)
    return model


def _meant(text: str) -> str | None:
    """Return a hint at the URI whose scheme was forgotten."""
    if text.startswith("m-"):
        return f"did you mean models:/{text}?"
    if _RUN_ID.fullmatch(text):
        return f"did you mean runs:/{text}{'' if '/' in text else '/model'}?"
    return "other forms are runs:/<run_id>/<path> and models:/<name>/<version>"
