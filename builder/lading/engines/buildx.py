"""Images in one build of BuildKit, through the ``docker buildx`` command.

BuildKit has no API that docker-py knows. It looks for what is in its cache before it asks for files of the
context, skips stages that nothing needs, and shows only the finished image, so the whole Dockerfile is
built at once. The context is a folder, for as long as the build takes.
"""

import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from docker import DockerClient

from lading.digest import Digest
from lading.engines.context import stage_context
from lading.engines.dockerfile import Stage, render
from lading.engines.dockerfile_folder import write_folder
from lading.engines.events import explain
from lading.engines.stage import STAGE_LABEL, find_result
from lading.environment import Platform
from lading.errors import BuildFailed
from lading.plan import ImagePlan
from lading.progress import Progress


def has_buildx(client: DockerClient, environ: Mapping[str, str]) -> bool:
    """Return whether ``docker buildx`` is there and builds in the engine of *client*.

    ``DOCKER_BUILDKIT=0`` turns BuildKit off, as it does for ``docker build``.
    """
    if environ.get("DOCKER_BUILDKIT") == "0":
        return False
    engine = _output("docker", "info", "--format", "{{.ID}}")
    return engine == str(client.info().get("ID")) and _output("docker", "buildx", "version") is not None


def _output(*command: str) -> str | None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


@dataclass(frozen=True, slots=True)
class BuildxBuilder:
    """Builds all stages at once."""

    client: DockerClient
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
        contexts = (stage_context(stage, plan, lambda: self.uv(plan.platform)) for stage in Stage)
        facts = "\n".join((render(plan), base, *(context.fingerprint for context in contexts)))
        key = str(Digest.of(facts.encode()))
        with self.progress.step("all layers"):
            found = None if self.is_fresh else find_result(self.client, key)
            return found or self._build(plan, key)

    def _build(self, plan: ImagePlan, key: str) -> str:
        with tempfile.TemporaryDirectory(prefix="lading-") as folder:
            context = Path(folder) / "context"
            write_folder(plan, context, lambda: self.uv(plan.platform))
            self._run(*_options(plan, key), *(["--no-cache"] if self.is_fresh else []), str(context))
        image = find_result(self.client, key)
        if image is None:
            raise BuildFailed("BuildKit did not load the image into the engine", hint="set DOCKER_BUILDKIT=0")
        return image

    def _run(self, *arguments: str) -> None:
        """Run ``docker buildx build``; tell each line that it prints."""
        command = ("docker", "buildx", "build", *arguments)
        lines = []
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process:
            for line in process.stdout or ():
                lines.append(line)
                self.progress.line(line.rstrip())
        if process.returncode != 0:
            reasons = [line.removeprefix("ERROR: ").strip() for line in lines if line.startswith("ERROR: ")]
            raise BuildFailed(
                f"BuildKit cannot build the image: {(reasons or ['it says nothing'])[-1]}",
                hint=explain("".join(lines), "see all of its output with --progress plain"),
            )


def _options(plan: ImagePlan, key: str) -> list[str]:
    arguments = [f"--build-arg={name}={value}" for name, value in plan.build_args.items()]
    fixed = ["--load", "--progress=plain", "--network=none", "--provenance=false"]
    return [*fixed, f"--platform={plan.platform}", f"--label={STAGE_LABEL}={key}", *arguments]
