"""Pushes and pulls over a line that breaks: nothing wrong arrives, and nothing half is tagged."""

import random
from collections import Counter

import pytest
from lading.errors import LadingError
from lading.oci.registry.registries import Registries
from lading.reference import ImageRef

from tests.builder.oci.registry.conftest import settings
from tests.registries.faults import Faults
from tests.registries.images import AMD64, contents, random_image

pytestmark = pytest.mark.container

ROUNDS = 25
"""Of one push and one pull each; times four."""


def attempt(action):
    """Return what *action* gives, or the error that it fails with, which says something."""
    try:
        return action()
    except LadingError as error:
        return error if error.message else AssertionError("an error that says nothing")


@pytest.mark.parametrize("seed", range(4))
def test_two_hundred_pushes_and_pulls_with_faults(registry, registries, seed):
    """Each succeeds with the right bytes, or fails with a clear error and leaves the tag as it was."""
    source = random.Random(seed)
    path = f"faults/{seed}:1"
    tag, kept = registry.ref(path), random_image(seed)
    registries.push(kept, tag)
    done: Counter[str] = Counter()

    for _ in range(ROUNDS):
        made = random_image(source.randrange(1 << 32), (0, 1, source.randrange(200_000)))
        rate = source.choice([0.1, 0.3, 0.6])
        # what is put under a tag no registry can verify: a line that damages more than every third request
        # for good would prove that only
        kinds = Faults.kinds if rate < 0.6 else tuple(kind for kind in Faults.kinds if kind != "flip_request")
        faults = Faults(registry.port, random.Random(source.random()), rate=rate, kinds=kinds)
        with faults.running(), Registries(settings()) as broken:
            name = ImageRef.parse(f"localhost:{faults.port}/{path}")
            pushed = attempt(lambda made=made, name=name: broken.push(made, name))
            now = registries.pull(tag, AMD64)
            assert now.digest in {kept.descriptor.digest, made.descriptor.digest}
            kept = made if now.digest == made.descriptor.digest else kept
            assert isinstance(pushed, LadingError) or kept is made
            assert contents(now.image) == contents(kept)
            pulled = attempt(lambda name=name: contents(broken.pull(name, AMD64).image))
            assert isinstance(pulled, LadingError) or pulled == contents(kept)
        done["pushed"] += not isinstance(pushed, LadingError)
        done["pulled"] += not isinstance(pulled, LadingError)
        done.update(set(faults.seen))

    assert {kind for kind in Faults.kinds if not done[kind]} == set()
    assert min(done["pushed"], done["pulled"]) > ROUNDS // 2, done


@pytest.mark.parametrize("limit_bytes", [3_000_000, 9_000_000])
def test_what_is_too_large_for_a_proxy_goes_up_in_parts(registry, registries, limit_bytes):
    """After the first 413 the blobs of this registry are sent in smaller requests."""
    made = random_image(30, (11_000_000, 10))
    with Faults(registry.port, random.Random(0), rate=0, largest_body_bytes=limit_bytes).running() as faults:
        registries.push(made, ImageRef.parse(f"localhost:{faults.port}/parts/{limit_bytes}:1"))

    assert contents(registries.pull(registry.ref(f"parts/{limit_bytes}:1"), AMD64).image) == contents(made)
    assert 1 <= faults.seen["413"] <= 3


def test_a_proxy_that_takes_nothing_is_an_error(registry, registries):
    """Below a megabyte parts make no sense; the error says what is wrong."""
    made = random_image(31, (3_000_000,))
    faults = Faults(registry.port, random.Random(0), rate=0, largest_body_bytes=100_000)
    said = pytest.raises(LadingError, match="413; a proxy before the registry takes only small requests")
    with faults.running(), said:
        registries.push(made, ImageRef.parse(f"localhost:{faults.port}/never/iris:1"))

    assert registries.resolve(registry.ref("never/iris:1")) is None


def test_a_download_goes_on_where_it_broke(registry, registries):
    """Only the missing bytes are asked for again."""
    made = random_image(32, (5_000_000,))
    registries.push(made, registry.ref("resumed/iris:1"))
    with Faults(
        registry.port, random.Random(1), rate=0.7, kinds=("cut_answer",), where="/blobs/"
    ).running() as faults:
        pulled = registries.source(ImageRef.parse(f"localhost:{faults.port}/resumed/iris:1"))
        data = b"".join(pulled.blob(made.layers[0].descriptor).chunks())

    assert data == contents(made)[0]
    partial = [status for method, path, status in registry.requests() if "resumed" in path and status == 206]
    assert partial


def test_a_blob_that_is_damaged_for_good_is_refused(registry, registries):
    """A flipped bit is noticed before the last byte is handed on."""
    made = random_image(33, (100_000,))
    registries.push(made, registry.ref("damaged/iris:1"))
    with Faults(
        registry.port, random.Random(1), rate=1, kinds=("flip_answer",), where="/blobs/"
    ).running() as faults:
        source = registries.source(ImageRef.parse(f"localhost:{faults.port}/damaged/iris:1"))
        with pytest.raises(LadingError, match=f"{made.layers[0].descriptor.digest}.*not what it should be"):
            list(source.blob(made.layers[0].descriptor).chunks())
