"""Wheels of any kind, and what layers of them unpack to."""

import gzip
import io
import tarfile
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from lading.oci.image import Layer


@dataclass(frozen=True)
class WheelMaker:
    """Makes wheels with the files that a test wants."""

    folder: Path

    def __call__(
        self,
        files: Mapping[str, bytes] | None = None,
        *,
        name: str = "demo",
        executable: Iterable[str] = (),
        method: int = zipfile.ZIP_DEFLATED,
        record: str | None = None,
        left_out: Iterable[str] = (),
    ) -> Path:
        """Make version 1.0 of *name*; its metadata and its RECORD come by themselves."""
        info = f"{name}-1.0.dist-info"
        usual = {
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n".encode(),
            f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        }
        contents = {**(files or {}), **usual, **(files or {})}
        rows = "".join(f'"{each}",,\n' for each in [*contents, f"{info}/RECORD"])
        contents[f"{info}/RECORD"] = (rows if record is None else record).encode()
        path = self.folder / f"{name}-1.0-py3-none-any.whl"
        with zipfile.ZipFile(path, "w", method) as archive:
            for each, content in contents.items():
                if each not in left_out:
                    entry = zipfile.ZipInfo(each)
                    entry.external_attr = (0o100755 if each in executable else 0o100644) << 16
                    archive.writestr(entry, content, method)
        return path


@dataclass(frozen=True)
class Unpacked:
    """What is in layers, the later ones over the earlier."""

    entries: dict[str, tarfile.TarInfo] = field(default_factory=dict)
    contents: dict[str, bytes] = field(default_factory=dict)

    def add(self, archive: bytes) -> None:
        """Unpack one tar archive."""
        with tarfile.open(fileobj=io.BytesIO(archive), mode="r:") as opened:
            found = opened.getmembers()
            assert len({entry.name for entry in found}) == len(found)
            for entry in found:
                self.entries[entry.name] = entry
                content = opened.extractfile(entry) if entry.isreg() else None
                if content is not None:
                    self.contents[entry.name] = content.read()


def unpack(layers: Iterable[Layer]) -> Unpacked:
    """Return what is in *layers*, compressed or not."""
    unpacked = Unpacked()
    for layer in layers:
        data = b"".join(layer.blob.chunks())
        unpacked.add(gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data)
    return unpacked


@pytest.fixture(name="unpack")
def unpack_fixture():
    """Give the function that unpacks layers."""
    return unpack


@pytest.fixture
def make_wheel(tmp_path) -> WheelMaker:
    """Give what makes wheels in a folder of the test."""
    (tmp_path / "wheels").mkdir()
    return WheelMaker(tmp_path / "wheels")
