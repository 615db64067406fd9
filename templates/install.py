"""Makes the environment of one stage of an image from the wheels beside this file.

    python3.11 /lading/install.py /opt/env

Runs inside the image build, without network, on the base image's own Python (3.8 or later). The environment
is a virtual one on that Python, unless conda packages are at its place already, and a Python among them.
"""

import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
UV = str(HERE / "uv")

TESTS = "/tests/"
"""Test suites inside packages: more than half of all bytecode of the scientific ones, and never imported."""


def main(target: str) -> None:
    """Install everything that requirements.txt pins, each file checked against its hash."""
    settings = {"UV_NO_CONFIG": "1", "UV_NO_CACHE": "1", "UV_OFFLINE": "1", "UV_LINK_MODE": "copy"}
    environ = {**os.environ, **settings}
    requirements = str(HERE / "requirements.txt")
    checked = ["--no-index", "--no-deps", "--require-hashes", "--no-build", "--find-links", str(HERE)]
    python = pathlib.Path(target, "bin", "python")
    if not python.exists():
        venv = [UV, "venv", "--quiet", "--no-python-downloads", "--python", sys.executable, target]
        subprocess.run(venv, env=environ, check=True)
    # conda's Python may be marked as one that only conda installs into; here nobody else ever will.
    options = ["--quiet", "--break-system-packages", "--python", str(python), *checked]
    pip = [UV, "pip", "install", *options, "--requirements", requirements]
    subprocess.run(pip, env=environ, check=True)
    # The image's file system is read-only when it runs. A file that cannot be compiled, such as a template,
    # is skipped; hashes in place of times keep the bytecode valid whatever a layer does to times.
    compileall = ["-ISm", "compileall", "-qq", "-j0", "-x", TESTS, "--invalidation-mode", "unchecked-hash"]
    subprocess.run([str(python), *compileall, target], check=False)


if __name__ == "__main__":
    main(sys.argv[1])
