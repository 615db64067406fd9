"""On which bases and servers an image may be put."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest
from lading.build import Steps
from lading.engines.oci.bases.base import Base
from lading.engines.oci.environment import links_layer
from lading.engines.oci.scheme import Scheme
from lading.environment import Platform, PythonMinor
from lading.errors import BuildFailed, InvalidImage
from lading.layer import EnvironmentLayer
from lading.live import LiveImage
from lading.oci.image import Image, Layer
from lading.plan import ImagePlan
from lading.progress import Silent, Timed
from lading.rebasing import RebaseRequest, Tools, rebase

from tests.builder.engines.oci.test_assembly import layer
from tests.builder.engines.oci.test_rebase import base, image_on
from tests.builder.test_build import Locksmith, NoConda, Server, Shelf, found

OLD, NEW = base("old layer"), base("new layer", name="new")


@dataclass
class OneBase:
    """Has one base, and remembers what was asked."""

    base: Base = NEW
    asked: list[tuple[str, Platform, PythonMinor]] = field(default_factory=list)

    def find(self, name: str, platform: Platform, python: PythonMinor) -> Base:
        """Return it."""
        self.asked.append((name, platform, python))
        return replace(self.base, name=name)


class Layering:
    """Makes layers that tell what they are of."""

    def layers(self, layer_: EnvironmentLayer, python: str, max_heavy: int) -> tuple[Layer, ...]:
        """Return a layer of packages, the links, and one of Lading's own code."""
        links = links_layer(Scheme(layer_.target, layer_.lock.python), python)
        return (layer(f"{layer_.target} on {python}"), links, layer("this Lading"))


class Compiling:
    """Makes bytecode that tells what it is of."""

    def layers(self, plan: ImagePlan, base: Base) -> tuple[Layer, ...]:
        """Return the layers of both environments."""
        targets = (plan.server.target, plan.environment.target)
        return tuple(layer(f"new bytecode for {base.python} in {target}") for target in targets)


def tools(bases: OneBase, **versions: tuple[int, int] | None) -> Tools:
    """Tools that need neither network nor store; *versions* are of the C library, by a layer's name."""

    def glibc(layers: Sequence[Layer]) -> tuple[int, int] | None:
        return versions.get(layers[0].created_by.split()[0], (2, 36))

    steps = Steps(found, Locksmith(), Server(), Shelf(), NoConda(), Timed(Silent()))
    return Tools(steps, bases, Layering(), Compiling(), glibc)


@pytest.fixture
def live() -> LiveImage:
    """An image on the old base."""
    return LiveImage("iris:1", image_on(OLD))


def test_the_base_is_asked_for_what_the_image_needs(live):
    """The name that the image says, its platform, and the Python that its links lead to."""
    bases = OneBase()

    rebased = rebase(RebaseRequest(), live, tools(bases))

    assert bases.asked == [("old", Platform("linux", "amd64"), PythonMinor(3, 11))]
    assert isinstance(rebased, Image)
    assert rebased.layers[0].created_by == "new layer"


@pytest.mark.parametrize(("new", "has"), [((2, 31), "has glibc 2.31"), (None, "has no glibc")])
def test_an_older_library_is_refused(live, new, has):
    """Wheels were chosen for the old base's, and may need what the new one lacks."""
    with pytest.raises(BuildFailed, match=f"{has}, the image's packages were chosen for 2.36"):
        rebase(RebaseRequest(base="new"), live, tools(OneBase(), new=new))


@pytest.mark.parametrize(("old", "new"), [((2, 36), (2, 36)), ((2, 36), (2, 41)), (None, None)])
def test_the_same_library_or_a_newer_one_is_taken(live, old, new):
    """Newer versions run what was made for older ones; where there was none, none is missed."""
    assert rebase(RebaseRequest(base="new"), live, tools(OneBase(), old=old, new=new)) != live.made


def test_a_new_server_alone_needs_no_base(live):
    """It goes on the interpreter that the old one stood on."""
    bases = OneBase()

    rebased = rebase(RebaseRequest(renews_base=False, renews_server=True), live, tools(bases))

    assert bases.asked == []
    assert isinstance(rebased, Image)
    names = [each.created_by for each in rebased.layers]
    assert names[:2] == ["old layer", "/opt/lading on /usr/bin/python3.11"]
    assert "this Lading" in names


def test_the_server_that_is_there_already_changes_nothing(live):
    """The lock says whether it is."""
    known = tools(OneBase())
    request = RebaseRequest(renews_base=False, renews_server=True)

    renewed = rebase(request, live, known)

    assert rebase(request, LiveImage("iris:2", renewed), known) is renewed


def test_bytecode_of_the_server_comes_with_it(live):
    """That of the model's environment stays as it is."""
    image = live.images[0]
    pyc = next(each for each in image.layers if each.created_by == "pyc")
    told = replace(pyc, created_by="old bytecode in /opt/lading")
    stack = [told if each is pyc else each for each in image.layers]

    rebased = rebase(
        RebaseRequest(renews_base=False, renews_server=True),
        LiveImage("iris:1", replace(image, layers=tuple(stack))),
        tools(OneBase()),
    )

    assert isinstance(rebased, Image)
    bytecode = [each.created_by for each in rebased.layers if "bytecode" in each.created_by]
    assert bytecode == ["new bytecode for /usr/bin/python3.11 in /opt/lading"]


def test_base_and_server_may_change_at_once(live):
    """The new server goes on the new base's interpreter."""
    bases = OneBase(base("new layer", python="/usr/local/bin/python3.11"))

    rebased = rebase(RebaseRequest(renews_server=True), live, tools(bases))

    assert isinstance(rebased, Image)
    assert [each.created_by for each in rebased.layers][1] == "/opt/lading on /usr/local/bin/python3.11"


def test_an_image_that_does_not_tell_its_base_needs_one(live):
    """Where nobody knows what it stood on, the user says what it shall stand on."""
    image = live.images[0]
    name = "org.opencontainers.image.base.name"
    labels = {label: text for label, text in image.config.labels.items() if label != name}
    bare = replace(live, made=replace(image, config=image.config.running({"Labels": labels})))

    with pytest.raises(InvalidImage, match=r"name one with --base"):
        rebase(RebaseRequest(), bare, tools(OneBase()))


def test_an_image_without_links_is_refused(live):
    """Nobody can tell where its Python is."""
    image = live.images[0]
    layers = [replace(each, created_by="something") for each in image.layers]
    bare = replace(live, made=replace(image, layers=tuple(layers)))

    with pytest.raises(InvalidImage, match=r"iris:1 does not say where its Python is"):
        rebase(RebaseRequest(), bare, tools(OneBase()))
