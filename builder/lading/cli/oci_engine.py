"""Makes the engine that needs no daemon."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property, partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from lading.cli.engine_choice import Wishes
from lading.cli.oci_bases import bases
from lading.cli.output_option import STDOUT, OutputOption, OutputType
from lading.cli.steps import Workshop
from lading.engines.oci.bases.names import default_name
from lading.engines.oci.bytecode.layers import BytecodeLayers
from lading.engines.oci.bytecode.mode import Bytecode
from lading.engines.oci.engine import OciEngine
from lading.engines.oci.environment import EnvironmentLayers
from lading.engines.oci.folder_layer import folder_layer
from lading.engines.oci.outputs.output import Output
from lading.environment import PythonMinor
from lading.errors import InvalidOption
from lading.plan import official_base

if TYPE_CHECKING:
    from docker import DockerClient

    from lading.oci.registry.registries import Registries


def base(name: str | None) -> Callable[[PythonMinor], str]:
    """Return what names the base image: Debian's own packages, where a suite has the captured Python.

    That never depends on whether a registry answers, so the same model is the same image anywhere.
    """
    return lambda python: name or default_name(python) or official_base(python)


def engine(tools: Workshop, wishes: Wishes, stack: ExitStack) -> OciEngine:
    """Return the engine; connections are made when something needs them."""
    connections = Connections(tools, wishes, stack)
    return OciEngine(
        bases(tools, wishes, connections),
        EnvironmentLayers(tools.store, tools.progress),
        BytecodeLayers(
            tools.store,
            tools.progress,
            wishes.bytecode or Bytecode.IMPORTED,
            is_required=wishes.bytecode is not None,
        ),
        model=partial(folder_layer, store=tools.store),
        outputs=tuple(connections.output(option) for option in _places(wishes)),
        progress=tools.progress,
    )


@dataclass(frozen=True)
class Connections:
    """Registries and container engines, imported and opened only where something needs them."""

    tools: Workshop
    wishes: Wishes
    stack: ExitStack

    @cached_property
    def registries(self) -> "Registries":
        """All registries."""
        module = import_module("lading.oci.registry.registries")
        settings = module.Settings(insecure_hosts=frozenset(self.wishes.insecure_registries))
        registries: Registries = self.stack.enter_context(module.Registries(settings, self.tools.progress))
        return registries

    @cached_property
    def client(self) -> "DockerClient":
        """The container engine of this machine.

        Raises:
            EngineUnavailable: none answers.
        """
        client: DockerClient = import_module("lading.engines.find").find_engine()
        self.stack.callback(client.close)
        return client

    def output(self, option: OutputOption) -> Output:
        """Return a place for finished images.

        Raises:
            InvalidOption: it is in a folder that does not exist.
        """
        if option.destination is not None and not option.destination.absolute().parent.is_dir():
            raise InvalidOption(
                f"-o {str(option.destination)!r} is in a folder that does not exist", hint="make it first"
            )
        match option:
            case OutputOption(OutputType.LAYOUT, folder) if folder:
                return _made("layout", "LayoutOutput", folder, self.tools.progress)
            case OutputOption(OutputType.ARCHIVE, path) if path == STDOUT:
                return _made("archive", "StreamOutput", sys.stdout.buffer, self.tools.progress)
            case OutputOption(OutputType.ARCHIVE, path) if path:
                return _made("archive", "ArchiveOutput", path, self.tools.progress)
            case OutputOption(OutputType.ENGINE):
                return self.engine_output()
            case _:
                return self.registry_output()

    def registry_output(self) -> Output:
        """Return what pushes."""
        return _made("registry", "RegistryOutput", self.registries)

    def engine_output(self) -> Output:
        """Return what loads into the container engine."""
        return _made("engine", "EngineOutput", self.client, self.tools.progress)


def _made(module: str, kind: str, *arguments: Any) -> Output:
    """Return a place of this *kind*."""
    make = getattr(import_module(f"lading.engines.oci.outputs.{module}"), kind)
    return cast("Output", make(*arguments))


def _places(wishes: Wishes) -> Iterator[OutputOption]:
    """Give where the image goes; where nothing was said, an engine that is at hand, or else a file."""
    yield from wishes.outputs
    registry = OutputOption(OutputType.REGISTRY)
    if wishes.is_pushed and registry not in wishes.outputs:
        yield registry
    if not wishes.is_pushed and not wishes.outputs:
        is_loaded = not wishes.platforms[1:] and import_module("lading.engines.find").is_at_hand()
        yield OutputOption(OutputType.ENGINE) if is_loaded else wishes.default_output
