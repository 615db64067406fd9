"""``lading serve``."""

from typing import Annotated

import typer

from lading.capture.mlflow_need import MlflowNeed
from lading.cli import options
from lading.cli.local import prepared
from lading.cli.reporting import reported
from lading.errors import ServeFailed


@reported
def command(
    model_uri: options.ModelUri,
    port: Annotated[
        int,
        typer.Option(
            "--port", "-p", metavar="PORT", min=0, max=65535, envvar="MLFLOW_PORT", help="Where it listens."
        ),
    ] = 5000,
    host: Annotated[
        str,
        typer.Option(
            "--host", "-h", metavar="HOST", envvar="MLFLOW_HOST", help="The address that it listens on."
        ),
    ] = "127.0.0.1",
    workers: Annotated[
        int,
        typer.Option(
            "--workers", "-w", metavar="N", min=1, envvar="MLFLOW_MODELS_WORKERS", help="Each with a model."
        ),
    ] = 1,
    timeout: Annotated[
        int,
        typer.Option(
            "--timeout",
            "-t",
            min=1,
            metavar="SECONDS",
            envvar="MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT",
            help="For one prediction.",
        ),
    ] = 60,
    env_manager: options.Manager = options.EnvManager.VIRTUALENV,
    mlflow: options.Mlflow = MlflowNeed.AUTO,
    index_url: options.IndexUrl = None,
    *,
    extra_index_url: options.ExtraIndexUrls,
    find_links: options.FindLinks,
    progress: options.Progress = options.ProgressMode.AUTO,
    debug: options.Debug = False,  # noqa: ARG001 - for `reported`
) -> None:
    """Serve a model on this machine, without a container."""
    index = options.package_index(index_url, extra_index_url, find_links)
    settings = {
        "PORT": str(port),
        "LADING_HOST": host,
        "MLFLOW_MODELS_WORKERS": str(workers),
        "MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT": str(timeout),
    }
    with prepared(model_uri, env_manager, mlflow, progress, index) as server:
        code = server.run(settings)
    if code != 0:
        raise ServeFailed(f"the server ended with exit code {code}", hint="its last lines say why")
