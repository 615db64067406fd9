"""What an engine tells about a finished image."""

from collections.abc import Mapping, Sequence
from typing import Any

from docker import DockerClient

from lading.digest import Digest
from lading.image import BuiltImage
from lading.layer import BuiltLayer
from lading.reference import ImageRef


def describe(client: DockerClient, image: str, names: tuple[ImageRef, ...]) -> BuiltImage:
    """Return the image with id *image*, which is known under *names*."""
    found = client.images.get(image)
    facts = found.attrs
    return BuiltImage(
        names=names,
        id=_digest(facts["Id"]),
        digest=_pushed_digest(facts.get("RepoDigests") or (), names),
        size_bytes=facts["Size"],
        layers=built_layers(facts["RootFS"]["Layers"], found.history()),
        seconds={},
    )


def _digest(text: str) -> Digest:
    return Digest.parse(text if text.startswith("sha256:") else f"sha256:{text}")


def _pushed_digest(digests: Sequence[str], names: tuple[ImageRef, ...]) -> Digest | None:
    """Return the manifest's digest under the first name that a registry knows."""
    known = dict(text.split("@", 1) for text in digests)
    found = (known.get(name.repository) for name in names)
    return next((Digest.parse(text) for text in found if text), None)


def built_layers(digests: Sequence[str], history: Sequence[Mapping[str, Any]]) -> tuple[BuiltLayer, ...]:
    """Return the layers with what made them, oldest first.

    The API does not tell which steps of the history (newest first) made a layer. Those with a size did;
    where that leaves layers without a step, those that ran or copied something did as well, and with
    BuildKit those that only made sure of a folder.
    """
    for makes_layer in (_has_size, _has_run, _may_have_made_a_folder):
        steps = [step for step in reversed(history) if makes_layer(step)]
        if len(steps) == len(digests):
            return tuple(
                BuiltLayer.parse(digest, step["Size"], _readable(step["CreatedBy"]))
                for digest, step in zip(digests, steps, strict=True)
            )
    return tuple(BuiltLayer.parse(digest, 0, "") for digest in digests)


def _has_size(step: Mapping[str, Any]) -> bool:
    return bool(step["Size"])


def _has_run(step: Mapping[str, Any]) -> bool:
    return _has_size(step) or _instruction(step) not in _METADATA


def _may_have_made_a_folder(step: Mapping[str, Any]) -> bool:
    return _has_run(step) or _instruction(step) == "WORKDIR"


_NOP = "/bin/sh -c #(nop)"


def _instruction(step: Mapping[str, Any]) -> str:
    return (_readable(step["CreatedBy"]).split(maxsplit=1) or [""])[0]


def _readable(created_by: str) -> str:
    """Return an instruction without what the classic builder writes before it."""
    return created_by.removeprefix(_NOP).strip()


_METADATA = {
    "ARG",
    "CMD",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "HEALTHCHECK",
    "LABEL",
    "MAINTAINER",
    "ONBUILD",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
}
