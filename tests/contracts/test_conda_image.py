"""An image whose model has its Python and programs from a conda channel, and the rest from pip."""

import json
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from lading.environment import Environment, PackageIndex, Platform, PythonMinor
from lading.locking.uv import UvLocker
from lading.progress import Silent
from lading.store import Store
from lading.wheels.fetch import WheelFetcher

from tests.builder.conda.channel import PLACEHOLDER, Channel, Package, of_wheel, this_python

pytestmark = [pytest.mark.container, pytest.mark.xdist_group("image")]

DOCKER = str(shutil.which("docker"))
ENGINES = {"docker": ("--engine", "docker"), "oci": ("-o", "docker")}
BASE = "docker-daemon:python:3.11-slim-bookworm"

FLOWERS = {
    "dataframe_split": {
        "columns": ["sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)"],
        "data": [[5.1, 3.5, 1.4, 0.2], [6.2, 2.9, 4.3, 1.3], [7.3, 2.9, 6.3, 1.8]],
    }
}
ASK = """\
import sys, urllib.request
request = urllib.request.Request(
    "http://127.0.0.1:8080/invocations", sys.argv[1].encode(), {"Content-Type": "application/json"})
print(urllib.request.urlopen(request).read().decode())
"""
ENVIRONMENT = """\
import glob, json, os, sys
import joblib, sklearn
(record,) = glob.glob("/opt/env/conda-meta/joblib-*.json")
files = [os.path.join("/opt/env", name) for name in json.load(open(record))["files"]]
print(json.dumps([sys.version, sys.prefix, files, joblib.__file__, sklearn.__file__,
                  open("/opt/env/bin/greet").read(), os.environ["PATH"].split(":")[0],
                  os.environ["CONDA_PREFIX"]]))
"""
"""What is in the model's environment, and whose it is."""


@dataclass(frozen=True)
class Running:
    """A container of the image."""

    container: str

    def inside(self, *words: str) -> str:
        """Run a program inside; return what it printed."""
        done = subprocess.run([DOCKER, "exec", self.container, *words], capture_output=True, check=True)
        return done.stdout.decode()

    def log(self) -> str:
        """Return what the server has said."""
        done = subprocess.run([DOCKER, "logs", self.container], capture_output=True, check=True)
        return (done.stdout + done.stderr).decode()


@pytest.fixture(scope="module")
def model(conformance, tmp_path_factory) -> Path:
    """The iris model with a ``conda.yaml`` of a channel that is a folder; conda brings joblib, too."""
    folder: Path = tmp_path_factory.mktemp("conda") / "iris"
    shutil.copytree(conformance.models / "iris", folder)
    greeting = Package(
        name="greeting", files={"bin/greet": f"#!/bin/sh\ncat {PLACEHOLDER}/share/x\n".encode()}
    )
    packages = [
        this_python(target="/opt/env"),
        greeting,
        *(of_wheel(wheel, depends=("python",)) for wheel in joblib()),
    ]
    channel = Channel(folder.parent / "channel").add(*packages)
    pinned = "".join(f"    - {line}\n" for line in (folder / "requirements.txt").read_text().split())
    (folder / "conda.yaml").write_text(
        f"channels: ['{channel.url}']\n"
        f"dependencies:\n- python={sys.version_info[0]}.{sys.version_info[1]}\n- greeting\n- joblib\n"
        f"- pip:\n{pinned}"
    )
    return folder


def joblib() -> tuple[Path, ...]:
    """Return the wheel that conda's package of joblib is made of."""
    store, index = Store.default(), PackageIndex()
    python = PythonMinor(*sys.version_info[:2])
    locker = UvLocker(index, store, Silent())
    lock = locker.lock(Environment(python, ("joblib",)), Platform("linux", "amd64"))
    return WheelFetcher(store, Silent(), index).fetch(lock)


@pytest.fixture(scope="module", params=ENGINES)
def running(model, request) -> Iterator[Running]:
    """An image of the model by each engine, run without rights; both are gone afterwards."""
    name = f"lading-test/{uuid.uuid4().hex[:12]}:latest"
    program = str(Path(sys.executable).with_name("build-image"))
    words = ["-m", str(model), "-n", name, *ENGINES[request.param]]
    base = ["--base-image", BASE] if request.param == "oci" else []
    done = subprocess.run([program, *words, *base], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    limits = ["--network", "none", "--read-only", "--cap-drop", "ALL", "--user", "12345"]
    started = subprocess.run([DOCKER, "run", "--detach", *limits, name], capture_output=True, check=True)
    container = Running(started.stdout.decode().strip())
    try:
        end = time.monotonic() + 180
        while "model ready" not in container.log():
            assert time.monotonic() < end, container.log()
            time.sleep(0.05)
        yield container
    finally:
        subprocess.run([DOCKER, "rm", "--force", container.container], check=True, capture_output=True)
        subprocess.run([DOCKER, "rmi", "--force", name], check=True, capture_output=True)


def test_the_model_predicts(running):
    """Predictions are those of the model anywhere else."""
    answer = running.inside("/opt/lading/bin/python", "-c", ASK, json.dumps(FLOWERS))

    assert json.loads(answer) == {"predictions": [0, 1, 2]}


def test_conda_and_pip_share_the_environment(running):
    """Python is the channel's, what conda brings stays conda's, and pip's packages are on top."""
    found = json.loads(running.inside("/opt/env/bin/python", "-c", ENVIRONMENT))
    version, prefix, of_conda, joblib_file, sklearn_file, greet, path, conda = found

    assert (version, prefix, path, conda) == (sys.version, "/opt/env", "/opt/env/bin", "/opt/env")
    packages = f"/opt/env/lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages/"
    assert joblib_file in of_conda
    assert sklearn_file.startswith(packages)
    assert greet == "#!/bin/sh\ncat /opt/env/share/x\n"
