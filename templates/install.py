"""Makes the virtual environment of one stage of an image from the wheels beside this file.

    python3.11 /lading/install.py /opt/env

Runs inside the image build, without network, on the base image's own Python (3.8 or later).
"""

import compileall
import os
import pathlib
import py_compile
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
UV = str(HERE / "uv")

TESTS = re.compile(r"/tests/")
"""Test suites inside packages: more than half of all bytecode of the scientific ones, and never imported."""


def main(target: str) -> None:
    """Install everything that requirements.txt pins, each file checked against its hash."""
    settings = {"UV_NO_CONFIG": "1", "UV_NO_CACHE": "1", "UV_OFFLINE": "1", "UV_LINK_MODE": "copy"}
    environ = {**os.environ, **settings}
    requirements = str(HERE / "requirements.txt")
    checked = ["--no-index", "--no-deps", "--require-hashes", "--no-build", "--find-links", str(HERE)]
    venv = [UV, "venv", "--quiet", "--no-python-downloads", "--python", sys.executable, target]
    pip = [UV, "pip", "install", "--quiet", "--python", target, *checked, "--requirements", requirements]
    for command in (venv, pip):
        subprocess.run(command, env=environ, check=True)
    # The image's file system is read-only when it runs. A file that cannot be compiled, such as a template,
    # is skipped; hashes in place of times keep the bytecode valid whatever a layer does to times.
    compileall.compile_dir(
        target,
        quiet=2,
        rx=TESTS,
        workers=0,
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )


if __name__ == "__main__":
    main(sys.argv[1])
