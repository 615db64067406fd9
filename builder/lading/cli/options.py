"""The options that commands share: each is described once."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from lading.capture import environment
from lading.capture.mlflow_need import MlflowNeed
from lading.engines.oci.bytecode.mode import Bytecode
from lading.environment import PackageIndex


class ProgressMode(StrEnum):
    """How a command tells what it does."""

    AUTO = "auto"
    """``rich`` on a terminal, else ``plain``."""

    RICH = "rich"
    PLAIN = "plain"
    NONE = "none"


class EnvManager(StrEnum):
    """What makes the environment that a local server's model runs in."""

    LOCAL = "local"
    """The environment of this Python, as it is."""

    VIRTUALENV = "virtualenv"
    UV = "uv"

    CONDA = "conda"
    """All that ``conda.yaml`` says; the others leave conda's packages out."""


def _several(*flags: str, metavar: str, help_: str) -> Any:
    """Return an option that may be given any number of times, and need not be."""
    return typer.Option(*flags, default_factory=list, show_default=False, metavar=metavar, help=help_)


ModelUri = Annotated[
    str,
    typer.Option(
        "--model-uri",
        "-m",
        metavar="URI",
        help="runs:/<id>/<path>, models:/<name>/<version>, models:/<name>@<alias>, models:/m-<id>, a folder, "
        "or a URL.",
    ),
]
Names = Annotated[
    list[str],
    typer.Option(
        "--name", "-n", "--tag", "-t", metavar="NAME", help="Name of the image; more than one may be given."
    ),
]
NewNames = Annotated[
    list[str],
    _several(
        "--name",
        "-n",
        "--tag",
        "-t",
        metavar="NAME",
        help_="Name of the changed image, in place of its own; more than one may be given.",
    ),
]
Places = Annotated[
    list[str],
    _several(
        "--output",
        "-o",
        metavar="PLACE",
        help_="Where the image goes: registry, docker, FILE.tar, a folder, or type=…,dest=…; several may be "
        "given. [default: the engine, where one answers, else a file]",
    ),
]
NewPlaces = Annotated[
    list[str],
    _several(
        "--output",
        "-o",
        metavar="PLACE",
        help_="Where the changed image goes, in place of where it was: see build-image.",
    ),
]
LiveImage = Annotated[
    str,
    typer.Argument(
        metavar="IMAGE",
        show_default=False,
        help="In a registry, or oci:FOLDER[:NAME], oci-archive:FILE[:NAME].",
    ),
]
BaseImage = Annotated[
    str | None,
    typer.Option(
        metavar="IMAGE", help="What the image stands on. [default: the captured Python on a Debian]"
    ),
]
TargetPlatform = Annotated[str, typer.Option("--platform", metavar="OS/ARCH", help="What the image runs on.")]
TargetPlatforms = Annotated[
    str,
    typer.Option(
        "--platform", metavar="OS/ARCH", help="What the image runs on; several, with commas, make an index."
    ),
]
InsecureRegistries = Annotated[
    list[str],
    _several(
        "--insecure-registry",
        metavar="HOST",
        help_="A registry that may speak plain HTTP, or have any certificate.",
    ),
]
Labels = Annotated[
    list[str],
    _several("--label", metavar="NAME=VALUE", help_="Add a label to the image."),
]
Variables = Annotated[
    list[str],
    _several("--env", metavar="NAME=VALUE", help_="Set a variable in the image."),
]
ImagePort = Annotated[
    int, typer.Option("--port", metavar="PORT", min=1, max=65535, help="Where the server listens.")
]
Workers = Annotated[
    int | None,
    typer.Option(
        "--workers",
        min=1,
        metavar="N",
        help="Server workers, each with a model. [default: by the container's limits]",
    ),
]
TimeoutS = Annotated[
    int | None, typer.Option("--timeout", min=1, metavar="SECONDS", help="For one prediction. [default: 60]")
]
IndexUrl = Annotated[str | None, typer.Option(metavar="URL", help="The package index, in place of PyPI.")]
ExtraIndexUrls = Annotated[
    list[str],
    _several("--extra-index-url", metavar="URL", help_="An index to look at before it."),
]
FindLinks = Annotated[
    list[str],
    _several("--find-links", metavar="PLACE", help_="A folder or page of package files."),
]
LockTo = Annotated[
    Path | None,
    typer.Option("--lock", metavar="FILE", dir_okay=False, help="Write the lock (pylock.toml) here."),
]
LockFrom = Annotated[
    Path | None,
    typer.Option(
        "--from-lock", metavar="FILE", exists=True, dir_okay=False, help="Install this lock; ask no index."
    ),
]
Upgrade = Annotated[bool, typer.Option("--upgrade", help="Lock again, though a lock of this model is kept.")]
Mlflow = Annotated[
    MlflowNeed, typer.Option(help="How much of MLflow the model gets; auto looks at its code.")
]
Progress = Annotated[ProgressMode, typer.Option(help="How to tell what happens, on stderr.")]
Manager = Annotated[
    EnvManager,
    typer.Option("--env-manager", help="What makes the model's environment; local takes this Python's."),
]
ImageManager = Annotated[
    environment.Manager,
    typer.Option(
        "--env-manager",
        help="What makes the model's environment; auto takes conda's channels where conda.yaml has packages "
        "that pip has not got, virtualenv leaves those out.",
    ),
]
Offline = Annotated[
    bool, typer.Option("--offline", help="Ask no index, registry or archive; use what is kept here.")
]
Compiled = Annotated[
    Bytecode | None,
    typer.Option(
        "--bytecode", help="Which modules are compiled before the image starts (oci). [default: imported]"
    ),
]
BuildArguments = Annotated[
    list[str],
    _several("--build-arg", metavar="NAME=VALUE", help_="Hand it to the container engine."),
]
NoCache = Annotated[bool, typer.Option("--no-cache", help="Build every layer again.")]
Push = Annotated[bool, typer.Option("--push", help="Push all names when the image is complete.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print what would be done, and stop.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show where an error happened.")]


def package_index(index_url: str | None, extra: list[str], find_links: list[str]) -> PackageIndex:
    """Return where the user wants packages from."""
    return PackageIndex(index_url, tuple(extra), tuple(find_links))


def pairs(option: str, texts: list[str]) -> dict[str, str]:
    """Return the name and value of each of *texts*.

    Raises:
        typer.BadParameter: one is not ``NAME=VALUE``.
    """
    for text in texts:
        if "=" not in text or text.startswith("="):
            raise typer.BadParameter(f"{text!r} is not NAME=VALUE", param_hint=option)
    return dict(text.split("=", 1) for text in texts)
