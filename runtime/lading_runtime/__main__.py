"""``python -m lading_runtime``: settings → model host → gunicorn.

The model host is started before the web framework is imported: the model loads meanwhile.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence

from lading_runtime.server.cgroup import read_limits
from lading_runtime.server.host import ModelHost
from lading_runtime.server.model import ServedModel
from lading_runtime.server.settings import BadSetting, Settings

BAD_SETTING_EXIT_CODE = 2


def main(arguments: Sequence[str]) -> int:
    """Serve the model until a signal ends it; return the exit code of a start that failed.

    Args:
        arguments: None, or ``serve``, with which SageMaker calls every image.
    """
    try:
        check(arguments)
        serve(Settings.read(os.environ, read_limits()))
    except BadSetting as error:
        sys.stderr.write(f"lading_runtime: {error}\n")
        return BAD_SETTING_EXIT_CODE
    return 0


def check(arguments: Sequence[str]) -> None:
    """Return if *arguments* are those that an image is started with.

    Raises:
        BadSetting: they are not.
    """
    if list(arguments) not in ([], ["serve"]):
        raise BadSetting("arguments", f"expected none, or serve, not {' '.join(arguments)!r}")


def serve(settings: Settings) -> None:
    """Serve until a signal ends it.

    Raises:
        BadSetting: something cannot be used.
        SystemExit: the end, in the master as in each worker.
    """
    model = ServedModel.read(settings.model)
    host = ModelHost(model, settings.model_python, settings.model_variables, settings.busy_poll_us)
    host.start()
    # What is imported now stays; to look for garbage in it takes a tenth of the time. `Server.run` goes on.
    gc.disable()
    try:
        from lading_runtime.server.master import Server  # noqa: PLC0415 - imported while the model loads

        Server(settings, model, host).run()
    finally:
        host.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
