"""The interpreters of base images, run on this machine."""

import io
import platform
import shutil
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from lading.engines.oci.bases.base import Base
from lading.engines.oci.bytecode.base_interpreter import BaseInterpreters
from lading.engines.oci.bytecode.compiler import compilers
from lading.errors import DigestMismatch, StoreError
from lading.oci.blob import FileBlob
from lading.store import Store

from tests.builder.engines.oci.bytecode.conftest import image_of

SOURCES = {
    "/a.py": b"import json\nx = {'a', 'b'}, 1.0, -0.0\n",
    "/latin.py": "# coding: latin-1\nx = 'ä'\n".encode("latin-1"),
    "/none.py": b"x = (",
}


@dataclass(frozen=True)
class Elsewhere:
    """A layer that a registry has."""

    def chunks(self, start_bytes: int = 0) -> Iterator[bytes]:
        """Fail."""
        raise AssertionError("the layer was read")


@pytest.fixture
def finder(tmp_path) -> BaseInterpreters:
    """What takes interpreters out of bases, with an empty store."""
    return BaseInterpreters(Store(tmp_path / "store"))


def archive(path: Path, files: Mapping[str, bytes | str]) -> Path:
    """Write a layer of files; a text is what a link leads to, a hard link where it begins with ``=``."""
    with tarfile.open(path, "w") as opened:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.mode = 0o755
            if isinstance(content, str):
                info.type = tarfile.LNKTYPE if content.startswith("=") else tarfile.SYMTYPE
                info.linkname = content.lstrip("=")
                opened.addfile(info)
            else:
                info.size = len(content)
                opened.addfile(info, io.BytesIO(content))
    return path


def on(base: Base, *archives: Path) -> Base:
    """Return *base* with more layers."""
    paths = [layer.blob.path for layer in base.image.layers]  # type: ignore[attr-defined]  # files, all of them
    return replace(base, image=image_of(*paths, *archives))


def test_it_compiles_as_the_same_python_of_this_machine(finder, base_of_own, own):
    """Version and bytes are those of this interpreter where nobody has taken it out of an image."""
    taken = finder.find(base_of_own)

    assert taken is not None
    assert taken.version == own.version
    with compilers(taken) as there, compilers(own) as here:
        for path, source in SOURCES.items():
            assert there.compile(path, source) == here.compile(path, source)


def test_this_machines_environment_has_no_part_in_it(finder, base_of_own, monkeypatch):
    """Neither variables for Pythons nor those for the dynamic linker reach it."""
    for name in ("PYTHONHOME", "PYTHONPATH", "LD_LIBRARY_PATH", "PYTHONOPTIMIZE"):
        monkeypatch.setenv(name, "2")

    with compilers(finder.find(base_of_own)) as processes:
        assert processes.compile("/a.py", SOURCES["/a.py"]).pyc is not None


def test_it_is_taken_out_once(finder, base_of_own, tmp_path):
    """Afterwards no layer is read, not even looked for."""
    copy = tmp_path / "copy.tar"
    shutil.copy(base_of_own.image.layers[0].blob.path, copy)
    base = replace(base_of_own, image=image_of(copy))
    first = finder.find(base)
    copy.unlink()

    assert first is not None
    assert finder.find(base) == first


def test_what_the_store_has_lost_is_taken_out_again(finder, base_of_own):
    """Pruning removes the interpreter, and the next build has it again; who was to use it learns that."""
    first = finder.find(base_of_own)
    finder.store.path(first.digest).unlink()
    with compilers(first) as processes, pytest.raises(StoreError, match="build again"):
        processes.compile("/a.py", b"")

    again = finder.find(base_of_own)

    with compilers(again) as processes:
        assert processes.compile("/a.py", b"").pyc is not None


def test_nothing_is_left_of_it(finder, base_of_own):
    """Its files are in the store's temporary folder while it runs, and gone afterwards."""
    with compilers(finder.find(base_of_own)) as processes:
        processes.compile("/a.py", b"")
        running = list((finder.store.root / "temporary").iterdir())

    assert len(running) == 1
    assert not list((finder.store.root / "temporary").iterdir())


def test_links_lead_to_it(finder, base_of_own, tmp_path):
    """The program may be a link, or another name of one file."""
    name = base_of_own.python.rpartition("/")[2]
    program = {f"opt/bin/{name}": f"../../usr/local/bin/{name}"}

    found = finder.find(
        replace(on(base_of_own, archive(tmp_path / "x.tar", program)), python=f"/opt/bin/{name}")
    )

    assert found is not None
    assert found.version == platform.python_version()


def test_a_base_in_a_registry_is_not_fetched(finder, base_of_own):
    """Its layers stay where they are."""
    image = base_of_own.image
    remote = replace(image, layers=(replace(image.layers[0], blob=Elsewhere()),))

    assert finder.find(replace(base_of_own, image=remote)) is None


def test_a_base_for_another_processor_does_not_run_here(finder, base_of_own):
    """It is not even tried."""
    path = base_of_own.image.layers[0].blob.path

    assert finder.find(replace(base_of_own, image=image_of(path, architecture="s390x"))) is None


@pytest.mark.parametrize("content", [b"#!/bin/sh\nexit 0\n", b"\x7fELF\x02\x01", b""])
def test_what_is_no_interpreter_is_passed_over(finder, base_of_own, tmp_path, content):
    """A script or a broken program is not run."""
    wrong = archive(tmp_path / "x.tar", {base_of_own.python.lstrip("/"): content})

    assert finder.find(on(base_of_own, wrong)) is None


def test_an_interpreter_without_its_library_is_passed_over(finder, base_of_own, tmp_path):
    """One that ends at once does not compile."""
    prefix = base_of_own.python.rpartition("/bin/")[0].lstrip("/")
    removed = archive(tmp_path / "x.tar", {f"{prefix}/.wh.lib": b""})

    assert finder.find(on(base_of_own, removed)) is None


def test_a_base_without_interpreter_has_none(finder, base_of_own):
    """Nothing is at its path."""
    assert finder.find(replace(base_of_own, python="/usr/bin/python2")) is None


def test_a_damaged_layer_is_refused(finder, base_of_own, tmp_path):
    """Its code is never run."""
    data = bytearray(base_of_own.image.layers[0].blob.path.read_bytes())
    data[-1] ^= 1
    damaged = tmp_path / "damaged.tar"
    damaged.write_bytes(data)
    image = base_of_own.image
    layer = replace(image.layers[0], blob=FileBlob(damaged))

    with pytest.raises(DigestMismatch):
        finder.find(replace(base_of_own, image=replace(image, layers=(layer,))))
