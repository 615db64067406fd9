"""Makes the engine that needs no daemon."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial

from lading.cli.engine_choice import Wishes
from lading.cli.output_option import STDOUT, OutputOption, OutputType
from lading.cli.steps import Workshop
from lading.engines.oci.bases import archive, debian, layout
from lading.engines.oci.bases.choice import ChosenBases
from lading.engines.oci.engine import NoBytecode, OciEngine
from lading.engines.oci.environment import EnvironmentLayers
from lading.engines.oci.folder_layer import folder_layer
from lading.engines.oci.outputs.archive import ArchiveOutput, StreamOutput
from lading.engines.oci.outputs.layout import LayoutOutput
from lading.engines.oci.outputs.output import Output
from lading.engines.oci.outputs.registry import RegistryOutput
from lading.environment import PythonMinor
from lading.oci.registry.registries import Registries, Settings
from lading.plan import official_base


def base(name: str | None) -> Callable[[PythonMinor], str]:
    """Return what names the base image: Debian's own packages, where a suite has the captured Python.

    That never depends on whether a registry answers, so the same model is the same image anywhere.
    """
    return lambda python: name or debian.default_name(python) or official_base(python)


def engine(tools: Workshop, wishes: Wishes, stack: ExitStack) -> OciEngine:
    """Return the engine; connections are made when something needs them."""
    settings = Settings(insecure_hosts=frozenset(wishes.insecure_registries))
    registries = stack.enter_context(Registries(settings, tools.progress))
    return OciEngine(
        _bases(tools, wishes),
        EnvironmentLayers(tools.store, tools.progress),
        NoBytecode(),
        model=partial(folder_layer, store=tools.store),
        outputs=tuple(_output(option, tools, registries) for option in _places(wishes)),
        progress=tools.progress,
    )


def _bases(tools: Workshop, wishes: Wishes) -> ChosenBases:
    archives = partial(archive.ArchiveBases, tools.store)
    return ChosenBases(
        {
            debian.PREFIX: partial(
                debian.DebianBases,
                tools.store,
                tools.progress,
                is_offline=wishes.is_offline,
                is_fresh=wishes.is_fresh,
            ),
            layout.PREFIX: partial(layout.LayoutBases, tools.store),
            archive.OCI_PREFIX: archives,
            archive.DOCKER_PREFIX: archives,
        },
        otherwise=archives,
    )


def _places(wishes: Wishes) -> Iterator[OutputOption]:
    """Give where the image goes; the user's own file where nothing was said."""
    yield from wishes.outputs
    registry = OutputOption(OutputType.REGISTRY)
    if wishes.is_pushed and registry not in wishes.outputs:
        yield registry
    if not wishes.is_pushed and not wishes.outputs:
        yield wishes.default_output


def _output(option: OutputOption, tools: Workshop, registries: Registries) -> Output:
    match option:
        case OutputOption(OutputType.LAYOUT, folder) if folder:
            return LayoutOutput(folder, tools.progress)
        case OutputOption(OutputType.ARCHIVE, path) if path == STDOUT:
            return StreamOutput(sys.stdout.buffer, tools.progress)
        case OutputOption(OutputType.ARCHIVE, path) if path:
            return ArchiveOutput(path, tools.progress)
        case _:
            return RegistryOutput(registries)
