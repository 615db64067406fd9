"""The image below a plan: is it here, is it for the platform, and has it the Python that the model needs?"""

from typing import Any

from docker import DockerClient
from docker.errors import APIError, ImageNotFound

from lading.engines.events import StreamFailed, explain, first_line, follow
from lading.environment import Platform, PythonMinor
from lading.errors import BuildFailed
from lading.labels import require_no_model
from lading.plan import ImagePlan
from lading.progress import Progress
from lading.store import Store

_ENTRY = "base-python"
_VERSION = "import sys; print('%d.%d' % sys.version_info[:2])"


class BaseImages:
    """Base images in an engine."""

    def __init__(self, client: DockerClient, store: Store, progress: Progress) -> None:
        self._client = client
        self._store = store
        self._progress = progress

    def require(self, plan: ImagePlan) -> str:
        """Return the id of the base image of *plan*, after pulling it where it is missing.

        Raises:
            BuildFailed: it cannot be had, is for another platform, has a model already, or lacks the Python.
        """
        image = self._find(plan.base, plan.platform) or self._pull(plan.base, plan)
        require_no_model(plan.base, (image.get("Config") or {}).get("Labels") or {})
        identity = str(image["Id"]).removeprefix("sha256:")
        self._require_python(plan.base, identity, plan.python)
        return identity

    def _find(self, name: str, platform: Platform) -> dict[str, Any] | None:
        try:
            image = self._client.images.get(name).attrs
        except ImageNotFound:
            return None
        is_right = (image["Os"], image["Architecture"]) == (platform.os, platform.architecture)
        return image if is_right else None

    def _pull(self, name: str, plan: ImagePlan) -> dict[str, Any]:
        repository, tag = _split(name)
        try:
            events = self._client.api.pull(
                repository, tag, stream=True, decode=True, platform=str(plan.platform)
            )
            for event in follow(events, self._progress):
                if "progressDetail" not in event and event.get("status"):
                    self._progress.line(str(event["status"]))
        except (APIError, StreamFailed) as error:
            hint = "load it into the engine, or name another one with --base-image"
            raise BuildFailed(
                f"the base image {name!r} is not here and cannot be pulled for {plan.platform}: "
                + first_line(error),
                hint=explain(str(error), hint),
            ) from error
        image = self._find(name, plan.platform)
        if image is None:
            raise BuildFailed(
                f"the base image {name!r} is not for {plan.platform}", hint="use --platform or --base-image"
            )
        return image

    def _require_python(self, name: str, identity: str, python: PythonMinor) -> None:
        key = f"{identity} {python}"
        if self._store.read_entry(_ENTRY, key) is not None:
            return
        if self._python(identity, f"python{python}") != str(python):
            other = self._python(identity, "python3")
            found = f"has Python {other}" if other else "has no Python"
            raise BuildFailed(
                f"the base image {name!r} {found}, the model needs {python}",
                hint=f"use one with python{python}, such as --base-image python:{python}-slim-bookworm",
            )
        self._store.write_entry(_ENTRY, key, b"")

    def _python(self, identity: str, program: str) -> str | None:
        """Return the minor version of *program* in an image; None where it does not run."""
        container = self._client.containers.create(
            identity,
            entrypoint=[program],
            command=["-ISc", _VERSION],
            network_mode="none",
            cap_drop=["ALL"],
            read_only=True,
        )
        try:
            container.start()
            has_run = container.wait()["StatusCode"] == 0
            return container.logs(stderr=False).decode().strip() if has_run else None
        except APIError as error:
            if _is_missing_program(error):
                return None
            raise BuildFailed(f"the base image does not run: {first_line(error)}") from error
        finally:
            container.remove(force=True)


def _is_missing_program(error: APIError) -> bool:
    """Whether a container did not start because the image has no such file, as runc and crun say it."""
    text = str(error.explanation).lower()
    return "executable file" in text or "no such file" in text


def _split(name: str) -> tuple[str, str | None]:
    """Return repository and tag or digest, as the API wants them."""
    if "@" in name:
        repository, _, digest = name.partition("@")
        return repository, digest
    head, colon, tag = name.rpartition(":")
    return (head, tag) if colon and "/" not in tag else (name, "latest")
