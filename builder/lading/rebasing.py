"""The story of `lading rebase`: another base or server under a finished image, and nothing else is moved."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from lading import __version__
from lading.build import Steps
from lading.engines.oci.bases.base import Base, Bases
from lading.engines.oci.engine import BytecodeLayers, EnvironmentLayers
from lading.engines.oci.environment import heavy_room
from lading.engines.oci.glibc import Version
from lading.engines.oci.links import Links, links_in
from lading.engines.oci.parts import Parts, parts_of
from lading.engines.oci.rebase import NewServer, is_of_server, on_base, with_server
from lading.errors import BuildFailed, InvalidImage
from lading.labels import BASE_NAME_LABEL, SERVER_LOCK_LABEL
from lading.layer import EnvironmentLayer, FolderLayer
from lading.live import LiveImage
from lading.oci.image import Image, Index, Layer
from lading.plan import ENTRYPOINT, ENVIRONMENT_TARGET, MODEL_TARGET, PORT, SERVER_TARGET, ImagePlan


@dataclass(frozen=True, slots=True, kw_only=True)
class RebaseRequest:
    """What the user wants under an image."""

    base: str | None = None
    """The new base's name; None is that of the old one, which may stand for another image today."""

    renews_base: bool = True

    renews_server: bool = False
    """Whether the server becomes this Lading's."""


@dataclass(frozen=True, slots=True)
class Tools:
    """Who has bases and makes layers."""

    steps: Steps
    bases: Bases
    environments: EnvironmentLayers
    bytecode: BytecodeLayers
    glibc: Callable[[Sequence[Layer]], Version | None]
    """Tells which C library a base has."""


def rebase(request: RebaseRequest, live: LiveImage, tools: Tools) -> Image | Index:
    """Return *live* on the requested base, or with the requested server; nothing is sent anywhere.

    Raises:
        InvalidImage: *live* does not say which layers are whose.
        BuildFailed: there is no such base, or the environments cannot run on it; says why.
        LadingError: the base or the server's wheels cannot be had.
    """
    return live.changed(lambda image: _rebased(request, image, live.name, tools))


def _rebased(request: RebaseRequest, image: Image, name: str, tools: Tools) -> Image:
    parts = parts_of(image, name)
    links = _server_links(parts, name)
    base = Base(name, image.with_layers(parts.base), links.python, digest=None)
    if request.renews_base:
        with tools.steps.progress.step("base image"):
            base = tools.bases.find(_base_name(request, image, name), image.config.platform, links.minor)
            _require_glibc(parts, base, tools)
        image = on_base(image, name, base)
    return _renewed(image, name, base, links, tools) if request.renews_server else image


def _renewed(image: Image, name: str, base: Base, links: Links, tools: Tools) -> Image:
    """Return *image* with the server of this Lading, which it may have already."""
    with tools.steps.progress.step("server layer"):
        lock = tools.steps.server.lock(links.minor, image.config.platform)
        if image.config.labels.get(SERVER_LOCK_LABEL) == str(lock.digest):
            return image
        server = EnvironmentLayer(SERVER_TARGET, lock, tools.steps.wheels.fetch(lock))
        room = heavy_room(len(base.image.layers))
        *environment, runtime = tools.environments.layers(server, base.python, room)
    with tools.steps.progress.step("bytecode layer"):
        bytecode = _bytecode(server, base, tools)
    made = NewServer(tuple(environment), (runtime,), bytecode, str(lock.digest), __version__)
    return with_server(image, name, made)


def _bytecode(server: EnvironmentLayer, base: Base, tools: Tools) -> tuple[Layer, ...]:
    """Return the bytecode of *server*: that of an image with nothing else in it."""
    empty = replace(server.lock, packages=(), pylock="")
    with TemporaryDirectory(prefix="lading-") as folder:
        plan = ImagePlan(
            base=base.name,
            platform=empty.platform,
            python=empty.python,
            server=server,
            environment=EnvironmentLayer(ENVIRONMENT_TARGET, empty, ()),
            model=FolderLayer.scan(Path(folder), MODEL_TARGET),
            entrypoint=ENTRYPOINT,
            env={},
            labels={},
            port=PORT,
            build_args={},
        )
        return tuple(layer for layer in tools.bytecode.layers(plan, base) if is_of_server(layer))


def _server_links(parts: Parts, name: str) -> Links:
    links = links_in(parts.layers.server)
    if links is None:
        raise InvalidImage(f"{name} does not say where its Python is", hint="build the image anew")
    return links


def _base_name(request: RebaseRequest, image: Image, name: str) -> str:
    found = request.base or image.config.labels.get(BASE_NAME_LABEL)
    if found is None:
        raise InvalidImage(f"{name} does not say which base it stands on", hint="name one with --base")
    return found


def _require_glibc(parts: Parts, base: Base, tools: Tools) -> None:
    """Do nothing where what runs on the old base runs on *base* as well.

    Raises:
        BuildFailed: its C library is older, or another one.
    """
    if [layer.diff_id for layer in parts.base] == [layer.diff_id for layer in base.image.layers]:
        return
    old, new = tools.glibc(parts.base), tools.glibc(base.image.layers)
    if old is not None and (new is None or new < old):
        has = f"glibc {new[0]}.{new[1]}" if new else "no glibc"
        raise BuildFailed(
            f"the base {base.name!r} has {has}, the image's packages were chosen for {old[0]}.{old[1]}",
            hint="take a newer base, or build the image anew on this one",
        )
