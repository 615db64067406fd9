"""Base images of an engine that were saved before: the engine is asked for nothing but an id."""

import json
from collections.abc import Mapping

import pytest
from lading.digest import Digest
from lading.engines.oci.bases import known_engine
from lading.engines.oci.bases.base import Base
from lading.engines.oci.bases.known_engine import KnownEngineBases
from lading.engines.oci.bases.saved import SavedImages
from lading.environment import Platform, PythonMinor
from lading.oci.image import Image
from lading.progress import Silent
from lading.store import Store

LINUX = Platform("linux", "amd64")
PYTHON = PythonMinor(3, 11)
LAYER = b"a layer".ljust(1024, b"\0")
FACTS = {"Id": "sha256:1", "Os": "linux", "Architecture": "amd64"}


class Others:
    """Who is asked for all that is not simple."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def find(self, name: str, platform: Platform, python: PythonMinor) -> Base:
        """Remember the question."""
        self.asked.append(name)
        raise LookupError(name)


def saved(store: Store) -> Image:
    """Keep an image as an engine saves it."""
    config = {
        "os": LINUX.os,
        "architecture": LINUX.architecture,
        "rootfs": {"type": "layers", "diff_ids": [str(Digest.of(LAYER))]},
        "config": {"Env": ["PATH=/usr/local/bin", "PYTHON_VERSION=3.11.2"]},
    }
    manifest = [{"Config": "c.json", "Layers": ["a/layer.tar"], "RepoTags": None}]
    files = {
        "c.json": json.dumps(config).encode(),
        "manifest.json": json.dumps(manifest).encode(),
        "a/layer.tar": LAYER,
    }
    digests = {path: store.add([data]) for path, data in files.items()}
    return SavedImages(store, Silent()).keep("sha256:1", digests, LINUX)


@pytest.fixture
def others() -> Others:
    """Nobody was asked yet."""
    return Others()


@pytest.fixture
def find(store, others, monkeypatch):
    """Look for a base in an engine that says these facts of it."""

    def find(facts: Mapping[str, str] | None) -> Base:
        monkeypatch.setattr(known_engine, "inspect_image", lambda *_: facts)
        bases = KnownEngineBases(SavedImages(store, Silent()), lambda: others, {})
        return bases.find("docker-daemon:base:1", LINUX, PYTHON)

    return find


def test_what_was_saved_is_not_asked_for_again(store, find, others):
    """The id stands for the contents, which are in the store."""
    image = saved(store)

    found = find(FACTS)

    assert (found.image, found.python) == (image, "/usr/local/bin/python3.11")
    assert others.asked == []


@pytest.mark.parametrize(
    "facts",
    [
        None,
        {},
        {**FACTS, "Id": "sha256:2"},
        {**FACTS, "Architecture": "arm64"},
    ],
)
def test_all_else_is_left_to_others(store, find, others, facts):
    """No answer, another image, or another platform: others save it, or say what is wrong."""
    saved(store)

    with pytest.raises(LookupError):
        find(facts)

    assert others.asked == ["docker-daemon:base:1"]


def test_what_was_damaged_is_saved_anew(store, find, others):
    """Where neither a compressed layer nor the one that the engine gave is what it was."""
    layer = saved(store).layers[0]
    for digest in (layer.descriptor.digest, layer.diff_id):
        store.path(digest).chmod(0o644)
        store.path(digest).write_bytes(b"damaged")

    with pytest.raises(LookupError):
        find(FACTS)


def test_what_was_pruned_is_saved_anew(store, find, others):
    """A part of it is gone."""
    store.path(saved(store).layers[0].diff_id).unlink()

    with pytest.raises(LookupError):
        find(FACTS)
