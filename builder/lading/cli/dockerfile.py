"""``lading dockerfile``."""

from pathlib import Path
from typing import Annotated

import typer

from lading import build
from lading.capture.environment import Manager
from lading.capture.mlflow_need import MlflowNeed
from lading.cli import options
from lading.cli.reporting import reported
from lading.cli.steps import Asking, workshop
from lading.engines.dockerfile_folder import write_folder
from lading.environment import Platform
from lading.plan import LINUX_AMD64, PORT, ImageOptions, named_base, official_base
from lading.reference import parse_model_ref


@reported
def command(
    model_uri: options.ModelUri,
    folder: Annotated[
        Path, typer.Option("--output-directory", "-d", metavar="DIR", help="Where it is written.")
    ] = Path("lading-dockerfile"),
    base_image: options.BaseImage = None,
    target: options.TargetPlatform = str(LINUX_AMD64),
    *,
    label: options.Labels,
    env: options.Variables,
    port: options.ImagePort = PORT,
    workers: options.Workers = None,
    timeout: options.TimeoutS = None,
    mlflow: options.Mlflow = MlflowNeed.AUTO,
    env_manager: options.ImageManager = Manager.AUTO,
    index_url: options.IndexUrl = None,
    extra_index_url: options.ExtraIndexUrls,
    find_links: options.FindLinks,
    lock: options.LockTo = None,
    from_lock: options.LockFrom = None,
    upgrade: options.Upgrade = False,
    progress: options.Progress = options.ProgressMode.AUTO,
    debug: options.Debug = False,  # noqa: ARG001 - for `reported`
) -> None:
    """Write a folder that plain ``docker build`` builds."""
    platform = Platform.parse(target)
    request = build.BuildRequest(
        model=parse_model_ref(model_uri),
        platforms=(platform,),
        options=ImageOptions(
            base=named_base(base_image) if base_image else official_base,
            labels=options.pairs("--label", label),
            env=options.pairs("--env", env),
            port=port,
            workers=workers,
            timeout_s=timeout,
        ),
        mlflow=mlflow,
        manager=env_manager,
        lock_from=from_lock,
        lock_to=lock,
    )
    index = options.package_index(index_url, extra_index_url, find_links)
    with workshop(progress, index, Asking(is_refreshed=upgrade)) as tools:
        (plan,) = build.plan_images(request, tools.steps)
        with tools.progress.step("write the folder"):
            write_folder(plan, folder, lambda: tools.installer.uv(platform))
    typer.echo(folder)
