"""``lading build-image``, also installed as ``build-image``."""

from typing import Annotated

import typer

from lading import build
from lading.capture.mlflow_need import MlflowNeed
from lading.cli import options
from lading.cli.reporting import reported
from lading.cli.results import image_json, image_line, plan_json, plan_text
from lading.cli.steps import docker_engine, workshop
from lading.environment import Platform
from lading.plan import LINUX_AMD64, PORT, ImageNames, ImageOptions, named_base, official_base
from lading.reference import parse_model_ref


@reported
def command(
    model_uri: options.ModelUri,
    name: options.Names,
    base_image: options.BaseImage = None,
    target: options.TargetPlatform = str(LINUX_AMD64),
    *,
    label: options.Labels,
    env: options.Variables,
    port: options.ImagePort = PORT,
    workers: options.Workers = None,
    timeout: options.TimeoutS = None,
    mlflow: options.Mlflow = MlflowNeed.AUTO,
    index_url: options.IndexUrl = None,
    extra_index_url: options.ExtraIndexUrls,
    find_links: options.FindLinks,
    lock: options.LockTo = None,
    from_lock: options.LockFrom = None,
    upgrade: options.Upgrade = False,
    build_arg: Annotated[
        list[str],
        typer.Option(
            "--build-arg",
            default_factory=list,
            show_default=False,
            metavar="NAME=VALUE",
            help="Hand it to the engine.",
        ),
    ],
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Build every layer again.")] = False,
    push: Annotated[bool, typer.Option("--push", help="Push all names when the image is complete.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would be built, and stop.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    progress: options.Progress = options.ProgressMode.AUTO,
    debug: options.Debug = False,  # noqa: ARG001 - for `reported`
) -> None:
    """Build a container image that serves a model."""
    request = build.BuildRequest(
        model=parse_model_ref(model_uri),
        platforms=(Platform.parse(target),),
        options=ImageOptions(
            base=named_base(base_image) if base_image else official_base,
            labels=options.pairs("--label", label),
            env=options.pairs("--env", env),
            port=port,
            workers=workers,
            timeout_s=timeout,
            build_args=options.pairs("--build-arg", build_arg),
        ),
        mlflow=mlflow,
        lock_from=from_lock,
        lock_to=lock,
    )
    names = ImageNames.parse(name, is_pushed=push)
    index = options.package_index(index_url, extra_index_url, find_links)
    with workshop(progress, index, is_refreshed=upgrade) as tools:
        if dry_run:
            (plan,) = build.plan_images(request, tools.steps)
            typer.echo(plan_json(plan) if as_json else plan_text(plan))
            return
        engine = docker_engine(tools, is_fresh=no_cache)
        image = build.build_image(request, names, tools.steps, engine)
    typer.echo(image_json(image) if as_json else image_line(image))
