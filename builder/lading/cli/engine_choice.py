"""Which engine makes an image: the one that the user named, or the one that what is asked for needs."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module
from typing import Protocol, cast

from lading.cli.output_option import OutputOption
from lading.cli.steps import Workshop
from lading.engines.engine import Engine
from lading.engines.oci.bases import names
from lading.engines.oci.bytecode.mode import Bytecode
from lading.environment import Platform, PythonMinor
from lading.errors import InvalidOption

_OCI_BASES = (names.DEBIAN, names.LAYOUT, names.OCI_ARCHIVE, names.DOCKER_ARCHIVE, names.ENGINE)


class EngineName(StrEnum):
    """What can make images."""

    AUTO = "auto"
    """A container engine where one answers (or was chosen) and can do what is asked; else Lading itself."""

    DOCKER = "docker"
    """A Docker-compatible engine."""

    OCI = "oci"
    """Lading itself: no daemon, and nothing is run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the user asks of an engine."""

    base: str | None
    platforms: tuple[Platform, ...]
    outputs: tuple[OutputOption, ...]
    default_output: OutputOption
    is_pushed: bool
    is_fresh: bool
    is_offline: bool

    bytecode: Bytecode | None
    """None means what is usual, where it can be had."""

    insecure_registries: tuple[str, ...]
    has_build_args: bool = False

    @property
    def only_oci_can(self) -> str | None:
        """The option that only the oci engine can follow, if one was given."""
        given = {
            "-o": self.outputs,
            "--platform with more than one": self.platforms[1:],
            "--offline": self.is_offline,
            "--bytecode": self.bytecode,
            "--insecure-registry": self.insecure_registries,
            f"--base-image {self.base}": (self.base or "").startswith(_OCI_BASES),
        }
        return next((option for option, is_given in given.items() if is_given), None)


class EngineModule(Protocol):
    """A module that makes an engine; it is imported only when its engine is wanted."""

    def base(self, name: str | None) -> Callable[[PythonMinor], str]:
        """Return what names the base image of a model."""
        ...

    def engine(self, tools: Workshop, wishes: Wishes, stack: ExitStack) -> Engine:
        """Return the engine; what it opened is closed with *stack*.

        Raises:
            EngineUnavailable: it does not answer.
        """
        ...


def choose(asked: EngineName, wishes: Wishes) -> EngineModule:
    """Return what makes the engine that the user asked for, or that fits.

    Raises:
        InvalidOption: the engine cannot do what else was asked for.
    """
    if asked is EngineName.AUTO:
        asked = EngineName.OCI if wishes.only_oci_can or not _is_engine_at_hand() else EngineName.DOCKER
    elif asked is EngineName.DOCKER and wishes.only_oci_can:
        raise InvalidOption(
            f"a container engine cannot follow {wishes.only_oci_can}", hint="leave out --engine docker"
        )
    if asked is EngineName.OCI and wishes.has_build_args:
        raise InvalidOption(
            "--build-arg is for container engines, and Lading writes this image itself",
            hint="leave it out, or add --engine docker",
        )
    return cast("EngineModule", import_module(f"lading.cli.{asked}_engine"))


def _is_engine_at_hand() -> bool:
    find = import_module("lading.engines.find")  # docker-py takes a tenth of a second to import
    return bool(find.is_at_hand())


def parse_platforms(text: str) -> tuple[Platform, ...]:
    """Return the platforms that a comma separates.

    Raises:
        InvalidOption: one is none that models can be packaged for, or is named twice.
    """
    platforms = tuple(Platform.parse(name.strip()) for name in text.split(","))
    if len(set(platforms)) < len(platforms):
        raise InvalidOption(f"--platform {text!r} names a platform twice", hint="name each once")
    return platforms


def parse_outputs(texts: Sequence[str]) -> tuple[OutputOption, ...]:
    """Return the places that *texts* name, each once."""
    return tuple(dict.fromkeys(map(OutputOption.parse, texts)))
