"""``lading swap-model``."""

from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import Annotated

import typer

from lading import swapping
from lading.build import ModelWishes
from lading.capture.environment import Manager
from lading.capture.mlflow_need import MlflowNeed
from lading.cli import live_image, options
from lading.cli.changes import changes_json, changes_text
from lading.cli.engine_choice import parse_outputs
from lading.cli.reporting import reported
from lading.cli.results import show_image
from lading.cli.steps import workshop
from lading.engines.oci.folder_layer import folder_layer
from lading.reference import parse_model_ref


@reported
def command(
    image: options.LiveImage,
    model_uri: options.ModelUri,
    *,
    name: options.NewNames,
    output: options.NewPlaces,
    allow_signature_change: Annotated[
        bool,
        typer.Option("--allow-signature-change", help="Take a model that is asked in another way."),
    ] = False,
    mlflow: options.Mlflow = MlflowNeed.AUTO,
    env_manager: options.ImageManager = Manager.AUTO,
    index_url: options.IndexUrl = None,
    extra_index_url: options.ExtraIndexUrls,
    find_links: options.FindLinks,
    insecure_registry: options.InsecureRegistries,
    dry_run: options.DryRun = False,
    as_json: options.AsJson = False,
    progress: options.Progress = options.ProgressMode.AUTO,
    debug: options.Debug = False,  # noqa: ARG001 - for `reported`
) -> None:
    """Put another model into an image, in its registry."""
    request = swapping.SwapRequest(
        model=parse_model_ref(model_uri),
        wishes=ModelWishes(mlflow, env_manager),
        may_change_signature=allow_signature_change,
    )
    index = options.package_index(index_url, extra_index_url, find_links)
    with workshop(progress, index) as tools, ExitStack() as stack:
        connections = live_image.connect(tools, insecure_registry, stack)
        with tools.progress.step("find the image"):
            found = live_image.find_image(image, connections)
        layer_of = partial(folder_layer, store=tools.store)
        made = swapping.swap_model(request, found.live, tools.steps, layer_of)
        if dry_run:
            typer.echo((changes_json if as_json else changes_text)(found.live.made, made))
            return
        built = live_image.bring(made, found, name, output, connections)
        built = replace(built, seconds=dict(tools.progress.seconds))
    show_image(built, parse_outputs(output), as_json=as_json)
