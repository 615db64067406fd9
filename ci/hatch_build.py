"""Bakes what images are made of into the builder's wheel: the runtime's wheel, its lock, the templates.

An editable install has nothing baked in; ``lading.assets`` finds everything in the checkout.
"""

import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.builders.wheel import WheelBuilder, WheelBuilderConfig

BAKED = "lading/_baked"


class Bake(BuildHookInterface[WheelBuilderConfig]):
    """Adds files to the wheel that are no modules of it."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the runtime's wheel and have it included.

        Args:
            version: ``standard``, or ``editable`` for an install that points here.
            build_data: what hatchling is told; ``force_include`` maps files to places in the wheel.
        """
        if version == "editable":
            return
        root = Path(self.root)
        self.folder = tempfile.TemporaryDirectory(prefix="lading-")
        runtime = WheelBuilder(str(root / "runtime"))
        (wheel,) = map(Path, runtime.build(directory=self.folder.name, versions=["standard"]))
        build_data["force_include"] |= {
            str(wheel): f"{BAKED}/{wheel.name}",
            str(root / "runtime" / "pylock.toml"): f"{BAKED}/pylock.toml",
            str(root / "templates"): f"{BAKED}/templates",
        }

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002 - as hatchling calls it
        """Remove what was only built to be included."""
        if version != "editable":
            self.folder.cleanup()
