"""``lading version``."""

import platform

from lading import __version__
from lading.cli.reporting import reported


@reported
def command() -> None:
    """Print the versions of Lading and its Python."""
    print(f"lading {__version__} (Python {platform.python_version()})")  # noqa: T201 - the command line prints
