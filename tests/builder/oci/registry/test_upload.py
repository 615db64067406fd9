"""Uploads that break, with registries that remember what they have, and with those that do not."""

from contextlib import contextmanager

import pytest
from lading.errors import PushFailed
from lading.oci.registry.referrers import Artifact
from lading.oci.registry.registries import Registries
from lading.progress import Silent

from tests.builder.oci.registry.conftest import settings
from tests.registries.images import image, layer, random_image
from tests.registries.modern import ModernRegistry


class Shown(Silent):
    """Progress that remembers what was moved."""

    def __init__(self):
        self.moved = {}
        self.lines = []

    @contextmanager
    def transfer(self, name, total_bytes):
        """Remember the transfer *name*."""
        entry = self.moved[name] = [total_bytes, 0]

        def add(count):
            entry[1] += count

        yield add

    def line(self, text):
        """Remember a line."""
        self.lines.append(text)


def test_an_upload_goes_on_where_it_broke(registries):
    """The registry is asked how much it has; only the rest is sent, from there."""
    made = random_image(1, (5_000_000,))
    with ModernRegistry(breaks_at=[3_000_000, 1_000_000]).running() as registry:
        registries.push(made, registry.ref("team/iris:1"))

    parts = [span for method, _, span in registry.asked if method == "PATCH"]
    size = made.layers[0].descriptor.size_bytes
    assert parts == [f"3000000-{size - 1}", f"4000000-{size - 1}"]
    assert registry.blobs[str(made.layers[0].descriptor.digest)]


def test_an_upload_that_the_registry_forgot_starts_anew(registries):
    """Never from byte 0 in the old one."""
    made = random_image(2, (2_000_000,))
    with ModernRegistry(breaks_at=[1_000_000], forgets_uploads=True).running() as registry:
        registries.push(made, registry.ref("team/iris:1"))

    puts = [path for method, path, _ in registry.asked if method == "PUT" and "/uploads/" in path]
    assert len(puts) == len(set(puts)) == 3
    assert str(made.layers[0].descriptor.digest) in registry.blobs


def test_an_upload_that_never_gets_on_is_an_error_with_its_blob(registries):
    """After some attempts that brought nothing."""
    made = image(layer(b"x" * 20_000))
    told = pytest.raises(PushFailed, match=f"{made.layers[0].descriptor.digest}.*broke")
    with ModernRegistry(breaks_at=[0] * 100).running() as registry, told:
        registries.push(made, registry.ref("team/iris:1"))

    assert "1" not in registry.manifests


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_parts_are_taken_with_any_success(registries, status):
    """Amazon ECR answers 201 to a part."""
    made = random_image(3, (3_000_000,))
    with ModernRegistry(part_status=status, breaks_at=[1]).running() as registry:
        registries.push(made, registry.ref("team/iris:1"))

    assert str(made.layers[0].descriptor.digest) in registry.blobs


def test_bytes_are_shown_as_they_move():
    """Of each blob its size, and in the end all of it, whatever was sent twice."""
    made, shown = random_image(4, (3_000_000, 5)), Shown()
    behind = ModernRegistry(breaks_at=[1_000_000], forgets_uploads=True)
    with behind.running() as registry, Registries(settings(), shown) as registries:
        registries.push(made, registry.ref("team/iris:1"))

    sizes = sorted(each.descriptor.size_bytes for each in made.layers)
    assert sorted(moved for _, moved in shown.moved.values())[-2:] == sizes
    assert all(total == moved for total, moved in shown.moved.values())


def test_warnings_of_a_registry_are_shown_once():
    """``Warning: 299`` is for people."""
    shown = Shown()
    behind = ModernRegistry(warning='299 - "this registry ends soon"')
    with behind.running() as registry, Registries(settings(), shown) as registries:
        registries.resolve(registry.ref("a/b:1"))
        registries.resolve(registry.ref("a/b:2"))

    assert shown.lines == [f"localhost:{registry.port}: this registry ends soon"]


def test_referrers_are_listed_by_the_registry(registries):
    """Page by page; a type that was asked for is chosen here where the registry does not."""
    with ModernRegistry().running() as registry:
        ref = registry.ref("team/iris:1")
        subject = registries.push(image(layer(b"x")), ref)
        made = [registries.attach(ref, subject, Artifact(f"text/{kind}", ())) for kind in ("a", "b", "c")]

        found = registries.referrers(ref, subject.digest)
        assert sorted(each.digest for each in found) == sorted(each.digest for each in made)
        (chosen,) = registries.referrers(ref, subject.digest, "text/b")
        assert chosen.digest == made[1].digest
    assert not [tag for tag in registry.manifests if tag.startswith("sha256-")]
