"""Images in three builds of the API that every Docker-compatible engine has.

An image is made in three builds, one per stage, each on the image of the stage before:

    base ──server──> image with /opt/lading ──environment──> … and /opt/env ──model──> the image

Why not one multi-stage build: the classic builder wants the whole context each time, hundreds of MB of
wheels, before it finds out that it needs none of them. Here a stage whose result the engine still has is
not built, so nothing is sent for it: a changed model sends the model, a rebuild sends nothing.

Results are found again by the label ``ai.lading.stage``, whose value is the digest of everything that went
into the stage: its Dockerfile (with the id of the image below), the build arguments, and its context. It
is set by the last step of a build and emptied by the first step of the next stage, so no half-made image
carries it.

What the user sees of this: nothing. The images of stages have no names. They are parents of the user's
image, so ``docker images`` hides them, ``docker image prune`` spares them while an image stands on them,
and removing the last such image removes them too. Once they are gone, the next build makes them again.
The stages in which wheels are installed are removed after the build; an engine would list them as
``<none>`` with hundreds of MB.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from docker import DockerClient

from lading.engines.context import stage_context
from lading.engines.dockerfile import Stage, render_stage
from lading.engines.stage import StageBuild, build_stage, find_result, key_of
from lading.environment import Platform
from lading.plan import ImagePlan
from lading.progress import Progress
from lading.store import Store


@dataclass(frozen=True, slots=True)
class ClassicBuilder:
    """Builds stage by stage."""

    client: DockerClient
    store: Store
    """Two processes of one machine do not make the same stage at once."""

    uv: Callable[[Platform], Path]
    """Gives the uv that runs on a platform; called only when something must be installed."""

    progress: Progress
    is_fresh: bool = False
    """Build every stage again, whatever the engine still has."""

    def build(self, plan: ImagePlan, base: str) -> str:
        """Return the id of the image that *plan* describes on the image with id *base*.

        Raises:
            BuildFailed: a step fails.
        """
        image = base
        for stage in Stage:
            with self.progress.step(f"{stage} layer"):
                image = self._stage(stage, plan.on(image))
        return image

    def _stage(self, stage: Stage, plan: ImagePlan) -> str:
        """Return the id of the image of *stage* on ``plan.base``, an image id."""
        dockerfile = render_stage(stage, plan)
        context = stage_context(stage, plan, lambda: self.uv(plan.platform))
        key = key_of(plan, context, dockerfile)
        with self.store.exclusive(f"stage-{key.removeprefix('sha256:')}"):
            found = None if self.is_fresh else find_result(self.client, key)
            build = StageBuild(plan, dockerfile, context, key, is_fresh=self.is_fresh)
            return found or build_stage(self.client, build, self.progress)
