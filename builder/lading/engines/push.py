"""Bringing images from an engine to registries."""

from collections.abc import Iterable

from docker import DockerClient
from docker.errors import APIError

from lading.engines.events import StreamFailed, first_line, follow
from lading.errors import PushFailed
from lading.progress import Progress
from lading.reference import ImageRef

_REFUSED = ("denied", "unauthorized", "authentication required", "no basic auth credentials")


def push(client: DockerClient, names: Iterable[ImageRef], progress: Progress) -> None:
    """Push *names*, with the credentials of the user's Docker configuration.

    Raises:
        PushFailed: a registry did not take one.
    """
    for name in names:
        try:
            events = client.api.push(name.repository, name.tag, stream=True, decode=True)
            for event in follow(events, progress):
                if "progressDetail" not in event and event.get("status"):
                    progress.line(str(event["status"]))
        except (APIError, StreamFailed) as error:
            message = f"cannot push {name}: {first_line(error)}"
            raise PushFailed(message, hint=_hint(name, str(error))) from error


def _hint(name: ImageRef, text: str) -> str:
    if any(sign in text.lower() for sign in _REFUSED):
        return f"log in with: docker login {name.host or ''}".rstrip()
    return "is the registry reachable from the engine? the image is there under its name; push it again"
