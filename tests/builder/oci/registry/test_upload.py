"""Uploads that break, with registries that remember what they have, and with those that do not."""

import signal
from contextlib import contextmanager
from threading import Event, Lock, get_ident

import pytest
from lading.errors import PushFailed
from lading.oci import media_types
from lading.oci.image import Index
from lading.oci.registry.credentials import RegistryToken
from lading.oci.registry.referrers import Artifact
from lading.oci.registry.registries import Registries
from lading.progress import Silent

from tests.builder.oci.registry.conftest import settings
from tests.registries.images import image, layer, random_image
from tests.registries.modern import ModernRegistry
from tests.registries.web import serving


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


def test_an_interrupted_push_ends_at_once(registries):
    """Also while a registry takes its time; nothing is tagged."""
    made, pushed = image(layer(b"x" * 20_000)), ModernRegistry()
    main, is_over, first = get_ident(), Event(), Lock()

    def slow(handler):
        if handler.command == "PUT":
            if first.acquire(blocking=False):
                signal.pthread_kill(main, signal.SIGINT)
            is_over.wait(60)
        pushed.handle(handler)

    with serving(slow) as pushed.port:
        with pytest.raises(KeyboardInterrupt):
            registries.push(made, pushed.ref("team/iris:1"))
        is_over.set()

    assert pushed.manifests == {}


def test_the_first_failure_ends_the_others(registries):
    """A blob that is refused is told at once, not after all others went up."""
    layers = [layer(bytes([number]) * 20_000) for number in range(20)]
    registry = ModernRegistry(refused_digest=str(layers[0].descriptor.digest))
    with registry.running(), pytest.raises(PushFailed, match="403"):
        registries.push(image(*layers), registry.ref("team/iris:1"))

    assert len(registry.blobs) < len(layers)


def test_a_mount_that_is_not_granted_goes_on_as_the_upload_that_was_started(registries):
    """202 in place of 201 is an upload, which no second request starts."""
    made = image(layer(b"x"))
    with ModernRegistry().running() as registry:
        registries.push(made, registry.ref("team/iris:1"), mounted_from=("team/iris", "team/base"))

    posts = [path for method, path, _ in registry.asked if method == "POST"]
    assert len(posts) == 2
    assert all(path.endswith("from=team/base") for path in posts)


def test_the_last_index_of_a_tag_proves_its_blobs(registries):
    """Those of all its platforms."""
    first = Index((image(layer(b"a")), image(layer(b"b"), architecture="arm64")))
    second = Index((first.images[0], image(layer(b"c"), architecture="arm64")))
    with ModernRegistry().running() as registry:
        ref = registry.ref("team/iris:1")
        registries.push(first, ref)
        before = len(registry.asked)
        registries.push(second, ref)

    heads = [path for method, path, _ in registry.asked[before:] if method == "HEAD" and "/blobs/" in path]
    assert len(heads) == 2


def test_a_registry_that_stores_something_else_is_an_error(registries):
    """It says by its digest what it has."""
    with (
        ModernRegistry(is_damaged=True).running() as registry,
        pytest.raises(PushFailed, match="it stored sha256:0"),
    ):
        registries.push(image(layer(b"x")), registry.ref("team/iris:1"))


def test_others_may_attach_at_the_same_time(registries):
    """The index under the tag is written only in the state in which it was read."""
    with ModernRegistry(has_referrers=False, conflicts=2).running() as registry:
        ref = registry.ref("team/iris:1")
        subject = registries.push(image(layer(b"x")), ref)
        made = [registries.attach(ref, subject, Artifact(f"text/{kind}", ())) for kind in ("a", "b")]

        found = registries.referrers(ref, subject.digest)

    assert sorted(each.digest for each in found) == sorted(each.digest for each in made)


@pytest.mark.parametrize("previous", [b"{}", b'{"config": 1, "layers": 2}', b"[]", b"nonsense"])
def test_a_tag_that_names_nonsense_is_overwritten(registries, previous):
    """It proves no blobs."""
    made = image(layer(b"x"))
    with ModernRegistry(manifests={"1": (media_types.MANIFEST, previous)}).running() as registry:
        registries.push(made, registry.ref("team/iris:1"))

    assert registry.manifests["1"][1] == made.manifest_bytes


def test_a_registry_need_not_tell_digests(registries):
    """What it does not tell is counted here."""
    made = image(layer(b"x"))
    with ModernRegistry(tells_digests=False).running() as registry:
        ref = registry.ref("team/iris:1")
        registries.push(made, ref)
        before = len(registry.asked)
        registries.push(made, ref)

        assert registries.resolve(ref) == made.descriptor.digest
    assert not [path for method, path, _ in registry.asked[before:] if method in {"PUT", "POST"}]


def test_a_registry_that_keeps_no_part_gets_the_whole_anew(registries):
    """It takes a part, and says that it has no more than before."""
    made = image(layer(b"x" * 100_000))
    with ModernRegistry(breaks_at=[15_000], keeps_parts=False).running() as registry:
        registries.push(made, registry.ref("team/iris:1"))

    assert str(made.layers[0].descriptor.digest) in registry.blobs
    assert len([path for method, path, _ in registry.asked if method == "POST"]) == 3


@pytest.mark.parametrize(("token", "is_right"), [("let me in", True), ("another", False)])
def test_a_registry_token_is_shown_as_it_is(token, is_right):
    """No token server is asked; a wrong one is not shown again and again."""
    behind = ModernRegistry(token="let me in")
    with behind.running() as registry:
        host = f"localhost:{registry.port}"
        with Registries(settings({host: RegistryToken(token)})) as registries:
            if is_right:
                registries.push(image(layer(b"x")), registry.ref("team/iris:1"))
            else:
                with pytest.raises(PushFailed, match=f"401; .*docker login {host}"):
                    registries.push(image(layer(b"x")), registry.ref("team/iris:1"))

    assert ("1" in registry.manifests) == is_right
