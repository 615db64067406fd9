"""Another base, or another server, in a finished image: pure.

The result is, byte for byte, what building the image on that base would give, but for bytecode: what the
model imports stays compiled as it was, where a build might choose other modules or interpreters.
"""

from dataclasses import dataclass, replace

from lading.engines.oci.assembly import (
    BASE_DIGEST_LABEL,
    ENV_LABEL,
    OWN_LABEL,
    PARTS_LABEL,
    base_digest,
    counted,
    own_env,
    own_names,
    stacked,
)
from lading.engines.oci.bases.base import Base
from lading.engines.oci.links import relinked
from lading.engines.oci.parts import parts_of
from lading.labels import BASE_NAME_LABEL, SERVER_LOCK_LABEL, VERSION_LABEL, public_base
from lading.oci.image import Image, Layer
from lading.plan import ENTRYPOINT, SERVER_TARGET

_KEPT = ("Cmd", "Entrypoint", "Healthcheck", "StopSignal", "User", "WorkingDir")
"""Settings that are Lading's, whatever the base says; ``Env``, ``Labels`` and ``ExposedPorts`` are both's."""


@dataclass(frozen=True, slots=True)
class NewServer:
    """The server's layers."""

    environment: tuple[Layer, ...]
    runtime: tuple[Layer, ...]
    bytecode: tuple[Layer, ...]
    lock: str
    """The digest of its lock."""

    version: str
    """Of Lading."""


def on_base(image: Image, name: str, base: Base) -> Image:
    """Return *image*, which errors call *name*, on another base with the same Python.

    Raises:
        InvalidImage: it does not say which layers, variables and labels are the base's.
        BuildFailed: it would have more layers than engines mount.
    """
    parts = parts_of(image, name)
    layers = replace(
        parts.layers,
        server=relinked(parts.layers.server, base.python, name),
        environment=relinked(parts.layers.environment, base.python, name),
    )
    old, new = image.config, base.image.config
    env = new.env | own_env(old)
    own = {label: old.labels[label] for label in own_names(old.labels) if label in old.labels}
    digest = base_digest(base)
    labels = own | {
        BASE_NAME_LABEL: public_base(base.name),
        PARTS_LABEL: counted(len(base.image.layers), layers),
        **{label: old.labels[label] for label in (ENV_LABEL, OWN_LABEL)},
        **digest,
    }
    settings = {setting: old.run[setting] for setting in _KEPT if setting in old.run}
    config = new.running(
        {
            **settings,
            "Env": [f"{variable}={text}" for variable, text in env.items()],
            "ExposedPorts": {**new.run.get("ExposedPorts", {}), **old.run.get("ExposedPorts", {})},
            "Labels": {**new.labels, **labels},
        }
    )
    told = {key: text for key, text in image.annotations.items() if key != BASE_DIGEST_LABEL}
    annotations = {**told, BASE_NAME_LABEL: public_base(base.name), **digest}
    return Image(config, base.image.layers, annotations).with_layers(stacked(base, layers))


def with_server(image: Image, name: str, server: NewServer) -> Image:
    """Return *image*, which errors call *name*, with another server for the same Python.

    Raises:
        InvalidImage: it does not say which layers are the server's.
    """
    parts = parts_of(image, name)
    others = tuple(layer for layer in parts.layers.bytecode if not is_of_server(layer))
    bytecode = server.bytecode if len(others) < len(parts.layers.bytecode) else ()
    layers = replace(
        parts.layers, server=server.environment, runtime=server.runtime, bytecode=bytecode + others
    )
    labels = {
        **image.config.labels,
        PARTS_LABEL: counted(len(parts.base), layers),
        SERVER_LOCK_LABEL: server.lock,
        VERSION_LABEL: server.version,
    }
    config = image.config.running({"Entrypoint": list(ENTRYPOINT), "Labels": labels})
    return replace(image, config=config).with_layers((*parts.base, *layers.in_order()))


def is_of_server(layer: Layer) -> bool:
    """Whether a layer of bytecode is that of the server's environment."""
    return layer.created_by.endswith(f" in {SERVER_TARGET}")
