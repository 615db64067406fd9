"""The configuration of an image: what it runs, and which layers it is made of (``config.md``)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from lading.digest import Digest
from lading.environment import Platform
from lading.errors import InvalidImage
from lading.oci import document

CREATED = "1980-01-01T00:00:01Z"
"""When everything was made, whenever that is: the same input gives the same image on any day.

One second after the earliest time that zip archives can write, as Jib and Buildpacks do.
"""


@dataclass(frozen=True, slots=True)
class Config:
    """A configuration, with whatever its writer put into it."""

    members: Mapping[str, Any]
    """The JSON object."""

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Return the configuration in *data*.

        Raises:
            InvalidImage: it is none.
        """
        members = document.decode(data, "the image's configuration")
        config = cls(members)
        try:
            config._check()
        except KeyError as error:
            raise InvalidImage(f"the image's configuration lacks {error}") from error
        except (AttributeError, TypeError, ValueError) as error:
            raise InvalidImage(f"the image's configuration cannot be read: {error}") from error
        return config

    def _check(self) -> None:
        """Look at all that the properties give, which do not fail from now on. Raises whatever they do."""
        _ = self.platform, self.diff_ids, self.encode()
        mappings = (self.run, *self.history)
        texts = (self.platform.os, self.platform.architecture, *(self.run.get("Env") or ()))
        if not all(isinstance(value, Mapping) for value in mappings):
            raise TypeError("config and history are no objects")
        if not all(isinstance(text, str) for text in (*texts, *self.labels.values())):
            raise TypeError("platform, Env and Labels are no texts")

    def encode(self) -> bytes:
        """Return it as bytes, always the same."""
        return document.encode(self.members)

    @property
    def platform(self) -> Platform:
        """What the image runs on."""
        return Platform(self.members["os"], self.members["architecture"])

    @property
    def variant(self) -> str | None:
        """The variant of the platform's processor."""
        return self.members.get("variant")

    @property
    def diff_ids(self) -> tuple[Digest, ...]:
        """The digests of the layers without compression, oldest first."""
        return tuple(map(Digest.parse, self.members["rootfs"]["diff_ids"]))

    @property
    def history(self) -> tuple[Mapping[str, Any], ...]:
        """What made the layers, oldest first; entries with ``empty_layer`` made none."""
        return tuple(self.members.get("history") or ())

    @property
    def run(self) -> Mapping[str, Any]:
        """How the image is run: ``Env``, ``Entrypoint``, ``User``, ``Labels`` and so on."""
        return self.members.get("config") or {}

    @property
    def env(self) -> dict[str, str]:
        """The environment variables."""
        return dict(text.partition("=")[::2] for text in self.run.get("Env") or ())

    @property
    def labels(self) -> Mapping[str, str]:
        """The labels."""
        return self.run.get("Labels") or {}

    def running(self, run: Mapping[str, Any]) -> Self:
        """Return it with the members *run* in place of its own on how to run."""
        return type(self)({**self.members, "config": {**self.run, **run}})

    def of_layers(self, diff_ids: Sequence[Digest], created_by: Sequence[str]) -> Self:
        """Return it for other layers; the history of those that stay at the bottom is kept.

        Args:
            diff_ids: of all layers, oldest first.
            created_by: what made each of them.
        """
        kept = self._history_of_base(diff_ids)
        bottom = sum(not step.get("empty_layer") for step in kept)
        steps = [{"created": CREATED, "created_by": text} for text in created_by[bottom:]]
        rootfs = {"type": "layers", "diff_ids": [str(diff_id) for diff_id in diff_ids]}
        return type(self)({**self.members, "created": CREATED, "rootfs": rootfs, "history": [*kept, *steps]})

    def _history_of_base(self, diff_ids: Sequence[Digest]) -> list[Mapping[str, Any]]:
        """Return the history of the layers that stay; nothing where it does not fit them."""
        own = self.diff_ids
        if len([step for step in self.history if not step.get("empty_layer")]) != len(own):
            return []
        kept: list[Mapping[str, Any]] = []
        position = 0
        for step in self.history:
            if not step.get("empty_layer"):
                if position >= len(diff_ids) or own[position] != diff_ids[position]:
                    break
                position += 1
            kept.append(step)
        return kept
