"""One build in a Docker-compatible engine: a Dockerfile and a context in, the id of an image out."""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import IO, Any, cast

from docker import DockerClient
from docker.errors import APIError, DockerException

from lading.engines.context import Context, Data, size_bytes, tar
from lading.engines.events import BuildOutput, StreamFailed, explain, first_line, follow
from lading.errors import BuildFailed
from lading.plan import ImagePlan
from lading.progress import Progress

STAGE_LABEL = "ai.lading.stage"
"""Says what an image is: ``install`` for one that is only built in, a key for the result of a stage."""

_INSTALL = "install"


@dataclass(frozen=True, slots=True)
class StageBuild:
    """What an engine is asked to build."""

    plan: ImagePlan
    dockerfile: str
    context: Context

    key: str
    """The result's value of `STAGE_LABEL`."""

    is_fresh: bool = False
    """Let the engine use nothing of earlier builds."""

    @property
    def labelled_dockerfile(self) -> str:
        """The Dockerfile whose last step sets the key.

        The API has an option for labels, but Podman puts those on the image of every step.
        """
        return f'{self.dockerfile.rstrip()}\nLABEL {STAGE_LABEL}="{self.key}"\n'


def find_result(client: DockerClient, key: str) -> str | None:
    """Return the id of the image that an earlier build with *key* made, if the engine still has it."""
    found = client.api.images(all=True, quiet=True, filters={"label": f"{STAGE_LABEL}={key}"})
    # An image that somebody made from ours has its labels too, but other steps after the one that set them.
    ours = (image for image in map(str, found) if key in client.images.get(image).history()[0]["CreatedBy"])
    return next((image.removeprefix("sha256:") for image in ours), None)


def build_stage(client: DockerClient, build: StageBuild, progress: Progress) -> str:
    """Return the id of the image that *build* makes.

    Whatever happens, containers and images in which wheels were installed are removed.

    Raises:
        BuildFailed: a step fails.
    """
    output = BuildOutput()
    try:
        with closing(_events(client, build, progress)) as events:
            for event in events:
                output.read(event)
    except (APIError, StreamFailed) as error:
        raise BuildFailed(
            f"the engine cannot build the image: {first_line(error)}",
            hint=explain(str(error), "see all of its output with --progress plain"),
        ) from error
    finally:
        _remove_installs(client, output.steps)
    if output.image is None:
        raise BuildFailed("the engine ended the build without an image")
    return output.image


def _events(client: DockerClient, build: StageBuild, progress: Progress) -> Generator[Mapping[str, Any]]:
    """Send the context; give what the engine tells about the build."""
    items = [Data("Dockerfile", build.labelled_dockerfile.encode()), *build.context.items()]
    with progress.transfer("context", size_bytes(items)) as moved:
        answer = client.api.build(
            # docker-py hands it on to requests, which sends any iterator of bytes as it comes.
            fileobj=cast("IO[bytes]", _counted(tar(items), moved)),
            custom_context=True,
            decode=True,
            rm=True,
            forcerm=True,
            nocache=build.is_fresh,
            network_mode="none",
            platform=str(build.plan.platform),
            buildargs=dict(build.plan.build_args),
        )
    yield from follow(answer, progress)


def _counted(chunks: Iterable[bytes], moved: Callable[[int], None]) -> Iterator[bytes]:
    for chunk in chunks:
        yield chunk
        moved(len(chunk))


def _remove_installs(client: DockerClient, steps: Sequence[str]) -> None:
    """Remove what the stages that install left: the newest first, because it stands on the others."""
    for step in reversed(steps):
        # An image that is gone, or that another build stands on, is none of our business any more.
        with suppress(DockerException):
            image = client.images.get(step).attrs
            labels = image["Config"].get("Labels") or {}
            if labels.get(STAGE_LABEL) == _INSTALL and not image["RepoTags"]:
                client.api.remove_image(step)
