"""The layers of an image, before any engine has made them."""

from lading.digest import Digest
from lading.layer import EnvironmentLayer, FolderLayer


def test_wheels_are_pinned_by_the_locks_digest(packages, host):
    """A locked wheel must hash to what the lock says, even if the file at hand does not."""
    wheel = packages.wheel("alpha")
    lock = host.lock(wheel)
    wheel.write_bytes(b"something else")

    (pinned,) = EnvironmentLayer("/opt/env", lock, (wheel,)).pinned()

    assert pinned.digest == lock.packages[0].source.digest
    assert pinned.requirement == f"alpha==1.0 --hash={pinned.digest}"


def test_wheels_that_were_built_here_are_pinned_by_their_own_digest(packages, host):
    """What the lock knows only as source is pinned to the wheel that was built of it."""
    locked, built = packages.wheel("beta"), packages.wheel("alpha_tools")
    lock = host.lock(locked)

    first, second = EnvironmentLayer("/opt/env", lock, (locked, built)).pinned()

    assert (first.name, first.digest) == ("alpha-tools", Digest.of_file(built))
    assert second.name == "beta"


def test_a_folder_layer_knows_its_size(tmp_path):
    """The size of a layer is that of its files."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a").write_bytes(bytes(10))
    (tmp_path / "b").write_bytes(bytes(5))

    layer = FolderLayer.scan(tmp_path, "/opt/ml/model")

    assert (layer.size_bytes, layer.target) == (15, "/opt/ml/model")
