"""The command line: ``lading`` and ``build-image``.

Nothing is imported here that takes time: who presses Ctrl-C while the rest is loading gets one line as well.
"""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

from lading.cli.exit_codes import INTERRUPTED

_COMMANDS = "lading.cli.commands"
_NEW_OBJECTS = 100_000
"""Made before garbage is looked for: what imports make stays, and looking would be a twentieth of a start."""


def main() -> None:
    """Run ``lading``."""
    with _interruptible():
        import_module(_COMMANDS).lading()


def build_image() -> None:
    """Run ``build-image``, which is ``lading build-image``."""
    with _interruptible():
        import_module(_COMMANDS).build_image()


@contextmanager
def _interruptible() -> Iterator[None]:
    gc.set_threshold(_NEW_OBJECTS)
    try:
        yield
    except KeyboardInterrupt:
        print("lading: interrupted", file=sys.stderr)  # noqa: T201 - the command line prints
        sys.exit(INTERRUPTED)
