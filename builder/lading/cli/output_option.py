"""What ``-o`` says: where a finished image goes, in the manner of ``docker buildx build --output``."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from lading.errors import InvalidOption
from lading.reference import ImageRef

STDOUT = Path("-")


class OutputType(StrEnum):
    """A kind of place for images."""

    LAYOUT = "oci"
    """A folder, an OCI image layout."""

    ARCHIVE = "oci-archive"
    """One file, which is an OCI archive and a docker-archive."""

    REGISTRY = "registry"
    ENGINE = "docker"
    """The store of a Docker-compatible engine."""


_HAS_DESTINATION = {OutputType.LAYOUT, OutputType.ARCHIVE}


@dataclass(frozen=True, slots=True)
class OutputOption:
    """One place."""

    type: OutputType

    destination: Path | None = None
    """Of files; None where the image's names say where it goes."""

    @classmethod
    def parse(cls, text: str) -> "OutputOption":
        """Return the place that *text* names: ``type=…,dest=…``, or one of the short forms.

        ``registry`` and ``docker`` are types alone; ``-`` and what ends with ``.tar`` are archives; any
        other path is a layout.

        Raises:
            InvalidOption: it is none of these; the message says what is wrong.
        """
        if any(part.startswith(("type=", "dest=")) for part in text.split(",")):
            return _parse_pairs(text)
        if text in {OutputType.REGISTRY, OutputType.ENGINE}:
            return cls(OutputType(text))
        if not text:
            raise InvalidOption("-o is empty", hint=_HINT)
        return _of_path(text)

    @classmethod
    def default(cls, name: ImageRef) -> "OutputOption":
        """Return where an image called *name* goes when nobody said: a file beside the user."""
        return cls(OutputType.ARCHIVE, Path(f"{name.path.rpartition('/')[2]}-{name.tag}.tar"))


_HINT = "write -o registry, -o docker, -o FILE.tar, -o FOLDER, or -o type=…,dest=…"


def _of_path(text: str) -> OutputOption:
    is_archive = text == "-" or text.endswith(".tar")
    return OutputOption(OutputType.ARCHIVE if is_archive else OutputType.LAYOUT, Path(text))


def _parse_pairs(text: str) -> OutputOption:
    pairs = dict(part.partition("=")[::2] for part in text.split(","))
    if unknown := pairs.keys() - {"type", "dest"}:
        raise InvalidOption(f"-o {text!r} has an unknown part {min(unknown)!r}", hint=_HINT)
    if "type" not in pairs and pairs["dest"]:
        return _of_path(pairs["dest"])
    try:
        kind = OutputType(pairs.get("type", OutputType.LAYOUT))
    except ValueError as error:
        choices = ", ".join(OutputType)
        raise InvalidOption(f"-o {text!r} has an unknown type", hint=f"use one of {choices}") from error
    destination = pairs.get("dest")
    if bool(destination) != (kind in _HAS_DESTINATION):
        wrong = "has no dest" if kind in _HAS_DESTINATION else "cannot have a dest"
        raise InvalidOption(f"-o {text!r} {wrong}", hint=_HINT)
    return OutputOption(kind, Path(destination) if destination else None)
