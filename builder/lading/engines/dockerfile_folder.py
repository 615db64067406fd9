"""A folder that plain ``docker build`` builds: the Dockerfile of a plan and all that it needs."""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from lading.engines.context import whole_context
from lading.engines.context_folder import write
from lading.engines.dockerfile import FIRST_LINE, render
from lading.errors import StoreError
from lading.plan import ImagePlan


def write_folder(plan: ImagePlan, folder: Path, uv: Callable[[], Path]) -> None:
    """Write the Dockerfile of *plan*, with wheels, uv and model, to *folder*; it is complete or not there.

    Args:
        plan: of the image.
        folder: new, empty, or one that this function wrote before and nobody added to.
        uv: gives uv for the plan's platform.

    Raises:
        StoreError: there are other things in *folder*, or it cannot be written.
    """
    _refuse_place(folder, plan)
    _refuse_foreign(folder)
    target = folder.resolve()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".lading-", dir=target.parent) as beside:
            made = Path(beside) / "context"
            made.mkdir()
            write(whole_context(plan, uv).items(), made)
            (made / "Dockerfile").write_text(render(plan))
            if target.exists():
                _refuse_additions(folder, made)
                shutil.rmtree(target)
            made.replace(target)
    except OSError as error:
        raise StoreError(f"cannot write {str(folder)!r}: {error.strerror}") from error


def _refuse_place(folder: Path, plan: ImagePlan) -> None:
    target = folder.resolve()
    if Path.cwd().is_relative_to(target):
        raise StoreError(
            f"{str(folder)!r} is the folder that you are in, or above it", hint="name a new folder"
        )
    if target.is_relative_to(plan.model.source.resolve()):
        raise StoreError(f"{str(folder)!r} is inside the model", hint="name a folder outside of it")


def _refuse_foreign(folder: Path) -> None:
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    dockerfile = folder / "Dockerfile"
    if not dockerfile.is_file() or not dockerfile.read_text(errors="replace").startswith(FIRST_LINE):
        raise StoreError(f"{str(folder)!r} has something else in it", hint="name a new folder")


def _refuse_additions(folder: Path, made: Path) -> None:
    """Keep what somebody has put beside our files, such as a compose file."""
    added = {path.name for path in folder.iterdir()} - {path.name for path in made.iterdir()}
    if added:
        names = ", ".join(map(repr, sorted(added)))
        raise StoreError(f"{str(folder)!r} has something else in it: {names}", hint="name a new folder")
