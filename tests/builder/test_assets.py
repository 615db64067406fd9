"""What the builder carries into images."""

import zipfile
from pathlib import Path

import pytest
from lading import assets
from lading.digest import Digest
from lading.errors import BuildFailed
from lading.store import Store


def test_the_runtimes_wheel_has_the_checkouts_sources(store):
    """In a checkout the runtime's wheel is built from its sources, every one of them, pages and all."""
    sources = Path(assets.__file__).parents[2] / "runtime" / "lading_runtime"

    names = zipfile.ZipFile(assets.runtime_wheel(store)).namelist()
    packed = {name.removeprefix("lading_runtime/") for name in names if name.startswith("lading_runtime/")}
    files = (file for file in sources.rglob("*") if file.is_file() and "__pycache__" not in file.parts)
    assert packed == {file.relative_to(sources).as_posix() for file in files}


def test_equal_sources_give_equal_bytes(store, tmp_path):
    """The wheel has the same digest in every store."""
    first, second = assets.runtime_wheel(store), assets.runtime_wheel(Store(tmp_path / "other"))

    assert Digest.of_file(first) == Digest.of_file(second)


def test_changed_sources_give_another_wheel(store, tmp_path, monkeypatch):
    """The wheel is built anew when a source changed, and only then."""
    package = tmp_path / "runtime" / "lading_runtime"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text('__version__ = "1.0"\n')
    origin = Path(assets.__file__).parents[2] / "runtime" / "pyproject.toml"
    (package.parent / "pyproject.toml").write_text(origin.read_text())
    monkeypatch.setattr(assets, "_CHECKOUT", tmp_path)

    first, again = assets.runtime_wheel(store), assets.runtime_wheel(store)
    (package / "new.py").write_text("x = 1\n")
    assert first == again
    assert "lading_runtime/new.py" in zipfile.ZipFile(assets.runtime_wheel(store)).namelist()


def test_a_broken_checkout_is_told(store, tmp_path, monkeypatch):
    """A runtime that cannot be built is an error of the build, with uv's words as its cause."""
    (tmp_path / "runtime" / "lading_runtime").mkdir(parents=True)
    (tmp_path / "runtime" / "pyproject.toml").write_text("[project]\n")
    monkeypatch.setattr(assets, "_CHECKOUT", tmp_path)

    with pytest.raises(BuildFailed, match="cannot be built") as caught:
        assets.runtime_wheel(store)
    assert str(caught.value.__cause__)


def test_templates_and_lock_are_there():
    """Templates and the server's lock are found without being installed."""
    assert (assets.templates() / "Dockerfile.j2").is_file()
    assert "lock-version" in assets.runtime_lock()
