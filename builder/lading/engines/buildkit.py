"""Images in one build of BuildKit, the builder of today's Docker.

BuildKit is given the whole Dockerfile at once, and a folder: it looks for what it has made before, asks
only for the files of the folder that it has not been sent before, and keeps what it installs in to itself.
That takes half the time of the classic builder or less where something must be installed, and no more
where nothing must.

The folder is there while the build takes, in the store, whose files it links to. BuildKit knows files again
by its name and their times, so the name says what the environments are: a hundred models with the
same environments share what was sent for them.

The finished image is found again by the label of `lading.engines.stage`; where it is, nothing is built. An
image whose build was interrupted in the moment between its last step and its name is found that way, too.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from docker import DockerClient

from lading.digest import Digest
from lading.engines.buildkit_log import BuildKitLog
from lading.engines.buildx import Buildx
from lading.engines.context import stage_context, whole_context
from lading.engines.context_folder import write
from lading.engines.docker import ImageBuilder
from lading.engines.dockerfile import Stage, render
from lading.engines.events import explain
from lading.engines.stage import StageBuild, find_result, key_of
from lading.environment import Platform
from lading.errors import BuildFailed
from lading.plan import ImagePlan
from lading.progress import Progress
from lading.store import Store

_IMAGE_ID = re.compile(r"(sha256:)?[0-9a-f]+")


@dataclass(frozen=True, slots=True)
class BuildKitBuilder:
    """Builds all stages at once."""

    buildx: Buildx
    classic: ImageBuilder
    """For base images that are given by their id, which BuildKit takes for a name in a registry."""

    client: DockerClient
    store: Store
    uv: Callable[[Platform], Path]
    """Gives the uv that runs on a platform; called only when something must be built."""

    progress: Progress
    is_fresh: bool = False
    """Use nothing of earlier builds."""

    def build(self, plan: ImagePlan, base: str) -> str:
        """Return the id of the image that *plan* describes on the image with id *base*.

        Raises:
            BuildFailed: a step fails.
        """
        if _IMAGE_ID.fullmatch(plan.base):
            return self.classic.build(plan, base)
        context = whole_context(plan, lambda: self.uv(plan.platform))
        key = key_of(plan, context, base, render(plan))
        build = StageBuild(plan, render(plan), context, key, is_fresh=self.is_fresh)
        with self.progress.step("layers"), self.store.exclusive(f"image-{key.removeprefix('sha256:')}"):
            found = None if self.is_fresh else find_result(self.client, key)
            return found or self._build(build)

    def _build(self, build: StageBuild) -> str:
        log = BuildKitLog(self.progress)
        with self.store.temporary_folder() as temporary:
            folder, result = temporary / _folder_name(build.plan), temporary / "id"
            folder.mkdir()
            write(build.context.items(), folder, kept=self.store.root)
            (folder / "Dockerfile").write_text(build.labelled_dockerfile)
            if not self.buildx.build(*_options(build), f"--iidfile={result}", str(folder), told=log.read):
                raise _failure(log)
            return result.read_text().strip().removeprefix("sha256:")


def _folder_name(plan: ImagePlan) -> str:
    """Return a name that plans with the same environments have in common."""
    contexts = [stage_context(stage, plan, Path) for stage in (Stage.SERVER, Stage.ENVIRONMENT)]
    return f"lading-{Digest.of(''.join(context.fingerprint for context in contexts).encode()).hex[:16]}"


def _options(build: StageBuild) -> list[str]:
    return [
        "--load",
        "--network=none",
        "--progress=plain",
        f"--platform={build.plan.platform}",
        *(f"--build-arg={name}={value}" for name, value in build.plan.build_args.items()),
        *(["--no-cache"] if build.is_fresh else []),
    ]


def _failure(log: BuildKitLog) -> BuildFailed:
    hint = "see all of its output with --progress plain"
    if not log.has_failed_step:
        hint += ", or set DOCKER_BUILDKIT=0 to build without BuildKit"
    return BuildFailed(f"the engine cannot build the image: {log.failure}", hint=explain(log.tail, hint))
