"""``lading predict``."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from lading.capture.mlflow_need import MlflowNeed
from lading.cli import options
from lading.cli.local import prepared
from lading.cli.reporting import reported
from lading.errors import StoreError


class Format(StrEnum):
    """What the input is written in."""

    JSON = "json"
    CSV = "csv"


_CONTENT_TYPES = {Format.JSON: "application/json", Format.CSV: "text/csv"}


@reported
def command(
    model_uri: options.ModelUri,
    input_path: Annotated[
        Path | None,
        typer.Option(
            "--input-path",
            "-i",
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="What to predict from. [default: standard input]",
        ),
    ] = None,
    output_path: Annotated[
        Path | None,
        typer.Option(
            "--output-path", "-o", metavar="FILE", dir_okay=False, help="[default: standard output]"
        ),
    ] = None,
    content_type: Annotated[
        Format, typer.Option("--content-type", "-t", help="What the input is written in.")
    ] = Format.JSON,
    env_manager: options.Manager = options.EnvManager.VIRTUALENV,
    mlflow: options.Mlflow = MlflowNeed.AUTO,
    index_url: options.IndexUrl = None,
    *,
    extra_index_url: options.ExtraIndexUrls,
    find_links: options.FindLinks,
    progress: options.Progress = options.ProgressMode.AUTO,
    debug: options.Debug = False,  # noqa: ARG001 - for `reported`
) -> None:
    """Predict once, from a file or standard input."""
    index = options.package_index(index_url, extra_index_url, find_links)
    body = sys.stdin.buffer.read() if input_path is None else input_path.read_bytes()
    with prepared(model_uri, env_manager, mlflow, progress, index) as server:
        answer = server.predict(body, _CONTENT_TYPES[content_type])
    if output_path is None:
        typer.echo(answer)
        return
    try:
        output_path.write_bytes(answer)
    except OSError as error:
        raise StoreError(f"cannot write {str(output_path)!r}: {error.strerror}") from error
