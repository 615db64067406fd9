"""``lading build-image``, also installed as ``build-image``."""

from contextlib import ExitStack
from typing import Annotated

import typer

from lading import build
from lading.capture.environment import Manager
from lading.capture.mlflow_need import MlflowNeed
from lading.cli import engine_choice, options
from lading.cli.engine_choice import EngineName, Wishes
from lading.cli.output_option import OutputOption
from lading.cli.reporting import reported
from lading.cli.results import plan_json, plan_text, show_image
from lading.cli.steps import Asking, workshop
from lading.plan import LINUX_AMD64, PORT, ImageNames, ImageOptions
from lading.reference import parse_model_ref


@reported
def command(
    model_uri: options.ModelUri,
    name: options.Names,
    output: options.Places,
    *,
    engine: Annotated[
        EngineName,
        typer.Option(
            help="What makes the image; oci needs no daemon; auto takes it where none answers, or where no "
            "other can do what is asked for."
        ),
    ] = EngineName.AUTO,
    base_image: options.BaseImage = None,
    target: options.TargetPlatforms = str(LINUX_AMD64),
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
    offline: options.Offline = False,
    bytecode: options.Compiled = None,
    insecure_registry: options.InsecureRegistries,
    build_arg: options.BuildArguments,
    no_cache: options.NoCache = False,
    push: options.Push = False,
    dry_run: options.DryRun = False,
    as_json: options.AsJson = False,
    progress: options.Progress = options.ProgressMode.AUTO,
    debug: options.Debug = False,  # noqa: ARG001 - for `reported`
) -> None:
    """Build a container image that serves a model."""
    names = ImageNames.parse(name, is_pushed=push)
    wishes = Wishes(
        base=base_image,
        platforms=engine_choice.parse_platforms(target),
        outputs=engine_choice.parse_outputs(output),
        default_output=OutputOption.default(names.names[0]),
        is_pushed=push,
        is_fresh=no_cache,
        is_offline=offline,
        bytecode=bytecode,
        insecure_registries=tuple(insecure_registry),
        has_build_args=bool(build_arg),
    )
    chosen = engine_choice.choose(engine, wishes)
    request = build.BuildRequest(
        model=parse_model_ref(model_uri),
        platforms=wishes.platforms,
        options=ImageOptions(
            base=chosen.base(base_image),
            labels=options.pairs("--label", label),
            env=options.pairs("--env", env),
            port=port,
            workers=workers,
            timeout_s=timeout,
            build_args=options.pairs("--build-arg", build_arg),
        ),
        mlflow=mlflow,
        manager=env_manager,
        lock_from=from_lock,
        lock_to=lock,
    )
    index = options.package_index(index_url, extra_index_url, find_links)
    asking = Asking(is_refreshed=upgrade, is_offline=offline)
    with workshop(progress, index, asking) as tools, ExitStack() as stack:
        if dry_run:
            plans = build.plan_images(request, tools.steps)
            typer.echo("\n".join(map(plan_json if as_json else plan_text, plans)))
            return
        image = build.build_image(request, names, tools.steps, chosen.engine(tools, wishes, stack))
    show_image(image, wishes.outputs, as_json=as_json)
