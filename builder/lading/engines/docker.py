"""Images through the API of Docker, or of anything that speaks it (Podman's socket, for one).

An image is made in three builds, one per stage, each on the image of the stage before:

    base ──server──> image with /opt/lading ──environment──> … and /opt/env ──model──> the image

Why not one multi-stage build: the classic builder wants the whole context each time, hundreds of MB of
wheels, before it finds out that it needs none of them. Here a stage whose result the engine still has is
not built, so nothing is sent for it: a changed model sends the model, a rebuild sends nothing.

Results are found again by the label ``ai.lading.stage``, whose value is the digest of everything that went
into the stage: its Dockerfile (with the id of the image below), and its context. It is set by the last
step of a build and emptied by the first step of the next stage, so no half-made image carries it.

What the user sees of this: nothing. The images of stages have no names. They are parents of the user's
image, so ``docker images`` hides them, ``docker image prune`` spares them while an image stands on them,
and removing the last such image removes them too. Once they are gone, the next build makes them again.
The stages in which wheels are installed are removed after the build; an engine would list them as
``<none>`` with hundreds of MB.

Names are given when an image is complete, so an interrupted or failed build leaves the old one in place.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import requests
from docker import DockerClient
from docker.errors import DockerException

from lading.digest import Digest
from lading.engines.base_image import BaseImages
from lading.engines.context import stage_context
from lading.engines.dockerfile import Stage, render_stage
from lading.engines.events import explain, first_line
from lading.engines.inspection import describe
from lading.engines.push import push
from lading.engines.stage import STAGE_LABEL, StageBuild, build_stage
from lading.environment import Platform
from lading.errors import BuildFailed, EngineUnavailable
from lading.image import BuiltImage
from lading.plan import ImageNames, ImagePlan
from lading.progress import Progress
from lading.store import Store


class DockerEngine:
    """Builds with a Docker-compatible API."""

    def __init__(
        self,
        client: DockerClient,
        store: Store,
        uv: Callable[[Platform], Path],
        progress: Progress,
        *,
        is_fresh: bool = False,
    ) -> None:
        """Take what is needed for a build.

        Args:
            client: connected to an engine.
            store: keeps what was found out about base images.
            uv: gives the uv that runs on a platform; called only when something must be installed.
            progress: is told what happens.
            is_fresh: build every stage again, whatever the engine still has.
        """
        self._client = client
        self._store = store
        self._uv = uv
        self._progress = progress
        self._is_fresh = is_fresh

    def build(self, plan: ImagePlan, names: ImageNames) -> BuiltImage:
        """Return the image that *plan* describes, under all of *names* (see `Engine.build`)."""
        with _engine_errors():
            with self._progress.step("base image"):
                image = BaseImages(self._client, self._store, self._progress).require(plan)
            for stage in Stage:
                with self._progress.step(f"{stage} layer"):
                    image = self._stage(stage, plan.on(image))
            for name in names.names:
                self._client.api.tag(image, name.repository, name.tag)
            if names.is_pushed:
                with self._progress.step("push"):
                    push(self._client, names.names, self._progress)
            return describe(self._client, image, names.names)

    def _stage(self, stage: Stage, plan: ImagePlan) -> str:
        """Return the id of the image of *stage* on ``plan.base``, an image id."""
        dockerfile = render_stage(stage, plan)
        context = stage_context(stage, plan, lambda: self._uv(plan.platform))
        key = str(Digest.of(f"{dockerfile}\n{context.fingerprint}".encode()))
        with self._store.exclusive(f"stage-{key.removeprefix('sha256:')}"):
            found = None if self._is_fresh else self._find(key)
            build = StageBuild(plan, dockerfile, context, key, is_fresh=self._is_fresh)
            return found or build_stage(self._client, build, self._progress)

    def _find(self, key: str) -> str | None:
        found = self._client.api.images(all=True, quiet=True, filters={"label": f"{STAGE_LABEL}={key}"})
        return str(found[0]).removeprefix("sha256:") if found else None


@contextmanager
def _engine_errors() -> Iterator[None]:
    """Turn what docker-py raises into errors for the user.

    Raises:
        EngineUnavailable: the engine does not answer any more.
        BuildFailed: it refuses.
    """
    try:
        yield
    except requests.RequestException as error:
        raise EngineUnavailable(
            "the container engine stopped answering", hint="look into its log, then build again"
        ) from error
    except DockerException as error:
        hint = explain(str(error), None)
        raise BuildFailed(f"the container engine refuses: {first_line(error)}", hint=hint) from error
