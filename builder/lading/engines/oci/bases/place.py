"""What stands behind ``oci:`` and ``docker-archive:``: a path, and a name where there are several images."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lading.errors import BuildFailed


def split_place(text: str) -> tuple[Path, str | None]:
    """Return path and name of ``PATH[:NAME]``; both may have colons, so what exists decides.

    Raises:
        BuildFailed: there is no such file or folder.
    """
    ends = [at for at, character in enumerate(text) if character == ":"]
    for end in [len(text), *reversed(ends)]:
        if end and Path(text[:end]).exists():
            return Path(text[:end]), text[end + 1 :] or None
    raise BuildFailed(
        f"there is no base image at {text!r}",
        hint="name a file or folder, then :NAME where it has several images",
    )


@contextmanager
def naming(name: str) -> Iterator[None]:
    """Say of which base image an error is.

    Raises:
        BuildFailed: with *name* in front.
    """
    try:
        yield
    except BuildFailed as error:
        raise BuildFailed(f"base image {name!r}: {error.message}", hint=error.hint) from error
