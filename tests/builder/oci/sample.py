"""Layers of files, which engines can mount; and a Podman with storage of its own."""

import gzip
import io
import os
import shutil
import subprocess
import tarfile
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lading.digest import Digest
from lading.oci import media_types
from lading.oci.blob import BytesBlob
from lading.oci.config import Config
from lading.oci.descriptor import Descriptor
from lading.oci.image import Image, Layer

from tests.conftest import run

PODMAN_SETTINGS = """\
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]

[engine]
lock_type = "file"
"""
"""Podman's own limits are more than a machine may give that is a container itself, and its locks are those
of the whole machine."""


def tar_layer(files: Mapping[str, bytes], *, members: int = 0) -> Layer:
    """Return a layer of files, in as many gzip members; not compressed where that is none."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        for path, content in files.items():
            info = tarfile.TarInfo(path)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    content = data.getvalue()
    diff_id, step = Digest.of(content), len(content) // max(members, 1) + 1
    if not members:
        return Layer(Descriptor.of(media_types.TAR, content), diff_id, BytesBlob(content), "COPY")
    packed = b"".join(gzip.compress(content[at : at + step]) for at in range(0, len(content), step))
    return Layer(
        Descriptor.of(media_types.TAR_GZIP, packed), diff_id, BytesBlob(packed), "COPY", len(content)
    )


def fresh(*, members: int = 0, size: int = 32) -> Layer:
    """Return a layer that no engine has: one that it has it would not even read."""
    return tar_layer({f"opt/{uuid.uuid4().hex}": os.urandom(size)}, members=members)


def image(*layers: Layer, architecture: str = "amd64") -> Image:
    """Return an image of layers."""
    empty = {"os": "linux", "architecture": architecture, "rootfs": {"type": "layers", "diff_ids": []}}
    return Image(Config(empty), ()).with_layers(layers)


@dataclass(frozen=True)
class Podman:
    """The command, with storage that nobody else uses."""

    folder: Path

    def __call__(self, *words: object) -> str:
        """Run a command; return what it printed."""
        return run(*self.command(*words))

    def command(self, *words: object) -> list[str]:
        """Return the whole command, for those who run it themselves."""
        storage = ["--root", f"{self.folder}/root", "--runroot", f"{self.folder}/run"]
        environ = f"CONTAINERS_CONF={self.folder}/containers.conf"
        return ["env", environ, "podman", *storage, *map(str, words)]


@contextmanager
def own_podman() -> Iterator[Podman]:
    """Give a Podman whose storage is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="podman-"))  # Podman wants short names
    (folder / "containers.conf").write_text(PODMAN_SETTINGS)
    podman = Podman(folder)
    try:
        yield podman
    finally:
        podman("rmi", "--all", "--force")
        if os.path.ismount(folder / "root" / "overlay"):
            subprocess.run(["/bin/umount", "--lazy", folder / "root" / "overlay"], check=True)
        shutil.rmtree(folder)
