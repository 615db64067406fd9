"""Layers of wheels and of a model in a container: what users and their programs see."""

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from docker import DockerClient
from lading.digest import Digest
from lading.engines.find import connect
from lading.engines.oci.bases.engine import EngineBases
from lading.engines.oci.environment import EnvironmentLayers
from lading.engines.oci.folder_layer import folder_layer
from lading.engines.oci.outputs.engine import EngineOutput
from lading.environment import Platform, PythonMinor
from lading.layer import EnvironmentLayer, FolderLayer
from lading.lock import Lock, LockedPackage, WheelSource
from lading.progress import Silent
from lading.reference import ImageRef
from virtualenv.seed.wheels.embed import get_embed_wheel

pytestmark = pytest.mark.container

BASE = "docker-daemon:python:3.11-slim-bookworm"
LINUX = Platform("linux", "amd64")
MINOR = PythonMinor(3, 11)
MODULE = b"import sys\n\ndef main():\n    print(sys.prefix, sys.argv[1:])\n"


@dataclass(frozen=True)
class Box:
    """An image in the engine."""

    client: DockerClient
    name: str

    def run(self, *command: str) -> str:
        """Run a command as a platform would that gives no rights; return what it printed."""
        output = self.client.containers.run(
            self.name,
            list(command),
            entrypoint="",
            remove=True,
            user="12345:0",
            read_only=True,
            cap_drop=["ALL"],
            network_mode="none",
        )
        return str(output.decode()).strip()


def pip() -> Path:
    """The wheel of pip that virtualenv brings."""
    wheel = get_embed_wheel("pip", "3.11")
    assert wheel is not None
    return Path(wheel.path)


@pytest.fixture
def box(make_wheel, tmp_path, store) -> Iterator[Box]:
    """An image with an environment and a model, gone afterwards."""
    needs = b"Metadata-Version: 2.1\nName: needy\nVersion: 1.0\nRequires-Dist: demo==1.0\n"
    demo = {
        "demo.py": MODULE,
        "demo.pth": b"import sys; sys.was_here = True\n",
        "demo-1.0.data/scripts/old-tool": b"#!python\nimport demo\ndemo.main()\n",
        "demo-1.0.data/data/share/demo.txt": b"data",
        "demo-1.0.dist-info/entry_points.txt": b"[console_scripts]\nnew-tool = demo:main\n",
    }
    wheels = (make_wheel(demo), make_wheel({"needy-1.0.dist-info/METADATA": needs}, name="needy"), pip())
    packages = tuple(
        LockedPackage(
            wheel.name.split("-")[0],
            wheel.name.split("-")[1],
            WheelSource(wheel.name, wheel.as_uri(), Digest.of_file(wheel)),
        )
        for wheel in wheels
    )
    (tmp_path / "model").mkdir(mode=0o700)
    (tmp_path / "model" / "MLmodel").write_text("flavors: {}\n")
    (tmp_path / "model" / "MLmodel").chmod(0o600)
    client, name = connect().client, f"lading-test/{uuid.uuid4().hex[:12]}:latest"
    base = EngineBases(client, store, Silent()).find(BASE, LINUX, MINOR)
    environment = EnvironmentLayer("/opt/env", Lock(MINOR, LINUX, packages, ""), wheels)
    layers = (
        *base.image.layers,
        *EnvironmentLayers(store, Silent()).layers(environment, base.python),
        folder_layer(FolderLayer.scan(tmp_path / "model", "/opt/ml/model"), store),
    )
    EngineOutput(client, Silent()).write(base.image.with_layers(layers), (ImageRef.parse(name),))
    yield Box(client, name)
    client.images.remove(name, force=True)
    client.close()


def test_an_environment_behaves_as_an_installed_one(box):
    """Prefix, ``.pth`` files, scripts of both kinds, data and pip's view are those of an environment."""
    python = "/opt/env/bin/python"
    facts = json.loads(
        box.run(
            python, "-c", "import json, sys; print(json.dumps([sys.prefix, sys.executable, sys.was_here]))"
        )
    )
    assert facts == ["/opt/env", python, True]
    assert box.run("/opt/env/bin/new-tool", "a b") == "/opt/env ['a b']"
    assert box.run("/opt/env/bin/old-tool", "x") == "/opt/env ['x']"
    assert box.run("cat", "/opt/env/share/demo.txt", "/opt/ml/model/MLmodel") == "dataflavors: {}"
    assert box.run(python, "-m", "pip", "check") == "No broken requirements found."
    listed = json.loads(box.run(python, "-m", "pip", "list", "--format=json", "--disable-pip-version-check"))
    assert {each["name"]: each["version"] for each in listed}.items() >= {
        "demo": "1.0",
        "needy": "1.0",
    }.items()
    shown = box.run(python, "-m", "pip", "show", "--files", "--disable-pip-version-check", "demo")
    assert {"../../../bin/new-tool", "../../../bin/old-tool", "demo.py"} <= set(shown.split())
