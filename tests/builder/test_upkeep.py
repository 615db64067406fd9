"""Looking after the store."""

import os
import time

import pytest
from lading import upkeep
from lading.digest import Digest
from lading.store import Store

DAY_S = 86400


@pytest.fixture
def store(tmp_path) -> Store:
    """An empty store."""
    return Store(tmp_path / "store")


def age(store: Store, digest: Digest, days: float) -> None:
    """Make a blob look as if nobody had used it for so long."""
    when = time.time() - days * DAY_S
    os.utime(store.path(digest), (when, when))


def test_what_was_not_used_for_long_is_removed(store):
    """What is used meanwhile stays, whenever it was made."""
    old, young, used = (store.add([text]) for text in (b"old", b"young", b"used"))
    age(store, old, 40)
    age(store, used, 40)
    assert store.find(used)

    removed = upkeep.prune(store, 30 * DAY_S)

    assert (removed.count, removed.size_bytes) == (1, 3)
    assert [store.find(digest) is not None for digest in (old, young, used)] == [False, True, True]


def test_a_mark_goes_with_its_blob(store):
    """It says when the blob was used, and nothing once that is gone."""
    digest = store.add([b"blob"])
    mark = store.verified.mark(digest.hex)
    mark.parent.mkdir(parents=True)
    mark.touch()
    age(store, digest, 40)
    assert upkeep.prune(store, 30 * DAY_S).count == 0

    os.utime(mark, (0, 0))
    assert upkeep.prune(store, 30 * DAY_S).count == 1

    assert not mark.exists()


def test_a_package_goes_with_its_name(store):
    """The links by name and the blob are one thing; no empty folders stay."""
    digest = store.add([b"wheel"])
    store.named(digest, "a-1-py3-none-any.whl")
    age(store, digest, 40)

    upkeep.prune(store, 30 * DAY_S)

    assert not list((store.root / "named").rglob("*"))


def test_what_interrupted_builds_left_is_removed(store):
    """Partial downloads and temporary files age like everything else."""
    left = store.partial(Digest.of(b"x"))
    left.write_bytes(b"half")
    os.utime(left, (0, 0))

    assert upkeep.prune(store, DAY_S).size_bytes == 4


def test_conda_packages_that_nobody_uses_are_removed(store):
    """Prefixes and the indexes of channels age like everything else."""
    for name in ("prefixes/a/bin", "repodata"):
        (store.root / name).mkdir(parents=True)
    (store.root / "repodata" / "x.json").write_bytes(b"{}")
    for path in (store.root / "prefixes/a", store.root / "repodata/x.json"):
        os.utime(path, (0, 0))

    assert upkeep.prune(store, DAY_S).count == 2
    assert not [*store.root.glob("prefixes/*"), *store.root.glob("repodata/*")]


def test_everything_can_be_removed(store):
    """Afterwards the store is empty, and still a store."""
    digest = store.add([b"blob"])
    store.write_entry("locks", "key", b"value")

    upkeep.prune(store, -1, kept_kinds=frozenset())

    assert sum(held.count for held in upkeep.survey(store)) == 0
    assert store.add([b"blob"]) == digest


def test_which_versions_a_build_takes_stays(store):
    """A lock that nobody has used for long still gives the same image, unless everything is removed."""
    store.write_entry("locks", "key", b"value")
    store.write_entry("segments", "key", b"value")

    assert upkeep.prune(store, -1).count == 1

    assert store.read_entry("locks", "key") == b"value"


def test_what_was_damaged_is_found_and_removed(store):
    """Blobs and entries are hashed anew; whole ones stay."""
    whole, broken = store.add([b"whole"]), store.add([b"broken"])
    store.write_entry("locks", "key", b"value")
    store.path(broken).chmod(0o644)
    store.path(broken).write_bytes(b"brokem")
    (entry,) = (path for path in (store.root / "entries").rglob("*") if path.is_file())
    entry.chmod(0o644)
    entry.write_bytes(b"sha256:0\nvalue")

    assert set(upkeep.verify(store)) == {store.path(broken), entry}

    assert store.find(whole)
    assert upkeep.verify(store) == ()


def test_a_survey_tells_packages_from_other_blobs(store):
    """Packages are those that were used under a file's name; links take no room of their own."""
    store.named(store.add([b"wheel"]), "a-1-py3-none-any.whl")
    store.add([b"layer!"])
    store.write_entry("locks", "key", b"value")

    held = {held.name: (held.count, held.size_bytes) for held in upkeep.survey(store)}

    assert held["packages"] == (1, 5)
    assert held["layers and other blobs"] == (1, 6)
    assert held["entries: locks"][0] == 1
