"""The Pythons of this machine, and one of them as a base image's."""

import platform
import re
import sys
import sysconfig
import tarfile
from pathlib import Path

import pytest
from lading.digest import Digest
from lading.engines.oci.bases.base import Base
from lading.engines.oci.bytecode.compiler import HostInterpreter
from lading.engines.oci.bytecode.interpreter import FoundInterpreters
from lading.environment import PythonMinor
from lading.oci import media_types
from lading.oci.blob import FileBlob
from lading.oci.config import Config
from lading.oci.descriptor import Descriptor
from lading.oci.image import Image, Layer
from lading.store import Store

from tests.conftest import run


@pytest.fixture(scope="session")
def own() -> HostInterpreter:
    """The Python that runs the tests."""
    return HostInterpreter(Path(sys.executable), platform.python_version())


@pytest.fixture(scope="session")
def interpreters(tmp_path_factory) -> list[HostInterpreter]:
    """One Python of each minor version that this machine has; images may have any."""
    finder = FoundInterpreters(Store(tmp_path_factory.mktemp("interpreters")))
    found = (finder.find(PythonMinor(3, minor)) for minor in range(8, 15))
    return [each for each in found if each is not None]


ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]


def image_of(*archives: Path, architecture: str = ARCHITECTURE) -> Image:
    """Return an image of layers that are tar archives."""
    layers = [
        Layer(
            Descriptor(media_types.TAR, Digest.of_file(path), path.stat().st_size),
            Digest.of_file(path),
            FileBlob(path),
        )
        for path in archives
    ]
    config = {"os": "linux", "architecture": architecture, "rootfs": {"type": "layers", "diff_ids": []}}
    return Image(Config(config), ()).with_layers(layers)


def files_of_own() -> dict[str, Path]:
    """Return the files of the Python that runs the tests, by where a base image has them."""
    program, library = Path(sys.executable).resolve(), Path(sysconfig.get_path("stdlib"))
    name = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    files = {f"usr/local/bin/{name}": program}
    for path in map(Path, re.findall(r"(/\S+) \(0x", run("ldd", program))):
        own = f"usr/local/lib/{path.name}"  # it has that beside its program, wherever this is
        files[own if "libpython" in path.name else str(path).lstrip("/")] = path
    for path in library.rglob("*"):
        place = path.relative_to(library)
        if path.suffix in {".py", ".so"} and not {"site-packages", "test"} & set(place.parts):
            files[f"usr/local/lib/{name}/{place}"] = path
    return files


@pytest.fixture(scope="session")
def base_of_own(tmp_path_factory) -> Base:
    """A base image, in files, with the Python that runs the tests and nothing else."""
    files = files_of_own()
    path = tmp_path_factory.mktemp("base") / "layer.tar"
    with tarfile.open(path, "w") as archive:
        for name, source in files.items():
            archive.add(source.resolve(), name)
    return Base("own", image_of(path), f"/{next(iter(files))}", None)
