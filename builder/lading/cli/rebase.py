"""``lading rebase``."""

from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import Annotated

import typer

from lading import rebasing
from lading.cli import live_image, options
from lading.cli.changes import changes_json, changes_text
from lading.cli.engine_choice import parse_outputs
from lading.cli.oci_bases import bases
from lading.cli.reporting import reported
from lading.cli.results import show_image
from lading.cli.steps import workshop
from lading.engines.oci.bytecode.layers import BytecodeLayers
from lading.engines.oci.environment import EnvironmentLayers
from lading.engines.oci.glibc import glibc_of


@reported
def command(
    image: options.LiveImage,
    *,
    base: Annotated[
        str | None,
        typer.Option(
            "--base",
            "--base-image",
            metavar="IMAGE",
            help="The new base. [default: what the old one's name stands for today]",
        ),
    ] = None,
    server: Annotated[
        bool,
        typer.Option("--server", help="Take this Lading's server; the base only where --base is given."),
    ] = False,
    name: options.NewNames,
    output: options.NewPlaces,
    index_url: options.IndexUrl = None,
    extra_index_url: options.ExtraIndexUrls,
    find_links: options.FindLinks,
    insecure_registry: options.InsecureRegistries,
    dry_run: options.DryRun = False,
    as_json: options.AsJson = False,
    progress: options.Progress = options.ProgressMode.AUTO,
    debug: options.Debug = False,  # noqa: ARG001 - for `reported`
) -> None:
    """Put another base or server under an image, in its registry."""
    renews_base = base is not None or not server
    request = rebasing.RebaseRequest(base=base, renews_base=renews_base, renews_server=server)
    index = options.package_index(index_url, extra_index_url, find_links)
    with workshop(progress, index) as tools, ExitStack() as stack:
        connections = live_image.connect(tools, insecure_registry, stack)
        with tools.progress.step("find the image"):
            found = live_image.find_image(image, connections)
        makers = rebasing.Tools(
            tools.steps,
            bases(tools, connections.wishes, connections),
            EnvironmentLayers(tools.store, tools.progress),
            BytecodeLayers(tools.store, tools.progress),
            partial(glibc_of, store=tools.store),
        )
        made = rebasing.rebase(request, found.live, makers)
        if dry_run:
            typer.echo((changes_json if as_json else changes_text)(found.live.made, made))
            return
        built = live_image.bring(made, found, name, output, connections)
        built = replace(built, seconds=dict(tools.progress.seconds))
    show_image(built, parse_outputs(output), as_json=as_json)
