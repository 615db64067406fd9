"""What an engine that does not do as it was asked means for the user."""

from collections.abc import Iterator
from contextlib import contextmanager

import requests
from docker.errors import DockerException

from lading.engines.events import StreamFailed, explain, first_line
from lading.errors import BuildFailed, EngineUnavailable, LadingError


@contextmanager
def engine_errors(
    refused: type[LadingError] = BuildFailed, silent_hint: str = "look into its log, then build again"
) -> Iterator[None]:
    """Turn what docker-py raises into errors for the user.

    Args:
        refused: what a refusal is.
        silent_hint: what to do when the engine stops answering.

    Raises:
        EngineUnavailable: the engine does not answer any more.
        LadingError: it refuses.
    """
    try:
        yield
    except requests.RequestException as error:
        raise EngineUnavailable("the container engine stopped answering", hint=silent_hint) from error
    except (DockerException, StreamFailed) as error:
        hint = explain(str(error), None)
        raise refused(f"the container engine refuses: {first_line(error)}", hint=hint) from error
