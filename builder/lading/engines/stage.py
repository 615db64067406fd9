"""One build in a Docker-compatible engine: a Dockerfile and a context in, the id of an image out."""

import json
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import IO, Any, cast

from docker import DockerClient
from docker.errors import APIError, DockerException

from lading.digest import Digest
from lading.engines.context import Context, Data, size_bytes, tar
from lading.engines.events import BuildOutput, StreamFailed, explain, first_line, follow
from lading.errors import BuildFailed
from lading.plan import ImagePlan
from lading.progress import Progress

STAGE_LABEL = "ai.lading.stage"
"""Says what an image is: ``install`` for one that is only built in, a key for the result of a stage."""

_INSTALL = "install"

INTERRUPTED_PATIENCE_S = 3.0
"""Seconds after which an engine has noticed that nobody waits for a build."""


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


def key_of(plan: ImagePlan, context: Context, *texts: str) -> str:
    """Return the key of a build: the digest of *texts*, of build arguments and of *context*."""
    arguments = json.dumps(dict(plan.build_args), sort_keys=True)
    return str(Digest.of("\n".join([*texts, arguments, context.fingerprint]).encode()))


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
        _remove_installs(client, output.steps)
        raise BuildFailed(
            f"the engine cannot build the image: {first_line(error)}",
            hint=explain(str(error), "see all of its output with --progress plain"),
        ) from error
    except BaseException:
        _remove_installs(client, output.steps, patience_s=INTERRUPTED_PATIENCE_S)
        raise
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


def _remove_installs(client: DockerClient, steps: Sequence[str], *, patience_s: float = 0) -> None:
    """Remove what the stages that install left.

    Args:
        client: connected to the engine.
        steps: ids of the images that the build told of.
        patience_s: how long an engine may take to notice that it was interrupted; until then it holds
            what it was making, and may even finish it.
    """
    end = time.monotonic() + patience_s
    while True:
        for image in _installs(client, steps):
            # One that is gone, or that another build stands on, is none of our business any more.
            with suppress(DockerException):
                client.api.remove_image(image)
        if time.monotonic() >= end:
            return
        time.sleep(0.3)


def _installs(client: DockerClient, steps: Sequence[str]) -> list[str]:
    """Return images in which wheels were installed, of *steps* or right on one of them; newest first."""
    with suppress(DockerException):
        found = client.api.images(all=True, filters={"label": f"{STAGE_LABEL}={_INSTALL}"})
        newest_first = sorted(found, key=lambda image: image["Created"], reverse=True)
        return [image["Id"] for image in newest_first if _is_of(image, steps)]
    return []


def _is_of(image: Mapping[str, Any], steps: Sequence[str]) -> bool:
    is_named = bool(set(image["RepoTags"] or ()) - {"<none>:<none>"})
    ids = [str(image[key]).removeprefix("sha256:") for key in ("Id", "ParentId")]
    return not is_named and any(id_.startswith(step) for id_ in ids for step in steps)
