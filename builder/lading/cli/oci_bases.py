"""All places that have base images; each is imported, and opened, when a name asks for it."""

from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from lading.cli.engine_choice import Wishes
from lading.cli.steps import Workshop
from lading.engines.oci.bases import names
from lading.engines.oci.bases.base import Bases
from lading.engines.oci.bases.choice import ChosenBases

if TYPE_CHECKING:
    from lading.cli.oci_engine import Connections


def bases(tools: Workshop, wishes: Wishes, connections: "Connections") -> ChosenBases:
    """Return all of them."""
    asking = {"is_offline": wishes.is_offline, "is_fresh": wishes.is_fresh}
    archives = partial(_made, "archive", "ArchiveBases", tools.store)
    return ChosenBases(
        {
            names.DEBIAN: partial(_made, "debian", "DebianBases", tools.store, tools.progress, **asking),
            names.LAYOUT: partial(_made, "layout", "LayoutBases", tools.store),
            names.OCI_ARCHIVE: archives,
            names.DOCKER_ARCHIVE: archives,
            names.ENGINE: partial(_known_of_engine, connections),
        },
        otherwise=partial(_of_registries if wishes.base else _official, connections),
    )


def _made(module: str, kind: str, *arguments: Any, **options: Any) -> Bases:
    """Return the place of this *kind*."""
    make = getattr(import_module(f"lading.engines.oci.bases.{module}"), kind)
    return cast("Bases", make(*arguments, **options))


def _of_registries(connections: "Connections") -> Bases:
    tools, wishes = connections.tools, connections.wishes
    return _made(
        "registry", "RegistryBases", connections.registries, tools.store, is_offline=wishes.is_offline
    )


def _official(connections: "Connections") -> Bases:
    """Return the base images of registries, where it is not the user who wants one."""
    return _made("official", "OfficialBases", _of_registries(connections))


def _known_of_engine(connections: "Connections") -> Bases:
    """Return the base images of the container engine, which is asked little where one was saved before."""
    tools = connections.tools
    saved = import_module("lading.engines.oci.bases.saved").SavedImages(tools.store, tools.progress)
    return _made("known_engine", "KnownEngineBases", saved, partial(_of_engine, connections))


def _of_engine(connections: "Connections") -> Bases:
    tools = connections.tools
    return _made("engine", "EngineBases", connections.client, tools.store, tools.progress)
