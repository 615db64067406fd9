"""Makes the engine that works through Docker's API."""

from collections.abc import Callable
from contextlib import ExitStack

from lading.cli.engine_choice import Wishes
from lading.cli.steps import Workshop
from lading.engines.buildkit import BuildKitBuilder
from lading.engines.buildx import find_buildx
from lading.engines.classic import ClassicBuilder
from lading.engines.docker import DockerEngine, ImageBuilder
from lading.engines.find import connect
from lading.environment import PythonMinor
from lading.plan import named_base, official_base


def base(name: str | None) -> Callable[[PythonMinor], str]:
    """Return what names the base image: the official slim image of the captured Python."""
    return named_base(name) if name else official_base


def engine(tools: Workshop, wishes: Wishes, stack: ExitStack) -> DockerEngine:
    """Return the engine of this machine, building with BuildKit where that is at hand.

    Raises:
        EngineUnavailable: no engine answers.
    """
    found = connect()
    stack.callback(found.client.close)
    client, store, uv, progress = found.client, tools.store, tools.installer.uv, tools.progress
    builder: ImageBuilder = ClassicBuilder(client, store, uv, progress, is_fresh=wishes.is_fresh)
    buildx = find_buildx(found)
    if buildx is not None:
        builder = BuildKitBuilder(buildx, builder, client, store, uv, progress, is_fresh=wishes.is_fresh)
    return DockerEngine(client, store, builder, progress)
