"""The story of a build."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from lading.build import BuildRequest, Steps, build_image, plan_images
from lading.digest import Digest
from lading.environment import Environment, Platform, PythonMinor
from lading.errors import InvalidEnvironment, StoreError
from lading.image import BuiltImage
from lading.lock import Lock, LockedPackage, WheelSource
from lading.locking import pylock
from lading.model import ResolvedModel
from lading.plan import ImageNames, ImageOptions, ImagePlan, named_base
from lading.progress import Silent, Timed
from lading.reference import ImageRef, LocalModel, ModelRef

PYTHON = PythonMinor(3, 11)
LINUX = Platform("linux", "amd64")
ALPHA = LockedPackage(
    "alpha",
    "1.0",
    WheelSource(
        "alpha-1.0-py3-none-any.whl", "https://example.org/alpha-1.0-py3-none-any.whl", Digest.of(b"a")
    ),
)


def lock_of(*packages: LockedPackage, platform: Platform = LINUX) -> Lock:
    """A lock of *packages*."""
    return Lock(PYTHON, platform, packages, pylock.render(PYTHON, platform, packages))


@dataclass
class Locksmith:
    """Locks everything to one package, and remembers what was asked."""

    asked: list[Environment] = field(default_factory=list)

    def lock(self, environment: Environment, platform: Platform) -> Lock:
        """Return the one lock."""
        self.asked.append(environment)
        return lock_of(ALPHA, platform=platform)


class Server:
    """A server without packages."""

    def lock(self, python: PythonMinor, platform: Platform) -> Lock:
        """Return its lock."""
        return lock_of(platform=platform)


class Shelf:
    """Has every wheel, by its name."""

    def fetch(self, lock: Lock) -> tuple[Path, ...]:
        """Return where they would be."""
        return tuple(Path("/shelf") / package.source.url.rpartition("/")[2] for package in lock.packages)


class NoConda:
    """Has no conda packages."""

    def lay_out(self, lock: Lock, target: str) -> None:
        """Return nothing."""


@dataclass
class Workbench:
    """Makes no image, and remembers the plan."""

    plan: ImagePlan | None = None

    def build(self, plans: tuple[ImagePlan, ...], names: ImageNames) -> BuiltImage:
        """Return an image that nobody made."""
        (self.plan,) = plans
        return BuiltImage(names.names, Digest.of(b"image"), None, 1, (), {})


@pytest.fixture
def model(tmp_path) -> LocalModel:
    """A model folder with an environment."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "MLmodel").write_text(
        "flavors: {python_function: {loader_module: mine, python_version: 3.11.7}}\nmlflow_version: 3.1.0\n"
    )
    (folder / "requirements.txt").write_text("alpha==1.0\n")
    (folder / "python_env.yaml").write_text("python: 3.11.7\ndependencies: [-r requirements.txt]\n")
    return LocalModel(folder)


@pytest.fixture
def locksmith() -> Locksmith:
    """Who locks."""
    return Locksmith()


def found(ref: ModelRef) -> ResolvedModel:
    """Follow a reference to a folder of this machine."""
    assert isinstance(ref, LocalModel)
    return ResolvedModel(ref, ref.path)


@pytest.fixture
def steps(locksmith) -> Steps:
    """Steps that need neither network nor store."""
    return Steps(found, locksmith, Server(), Shelf(), NoConda(), Timed(Silent()))


def test_a_build_goes_from_a_reference_to_an_image(model, steps):
    """The engine gets the plan of the model; the result knows its names and how long each step took."""
    bench = Workbench()
    names = ImageNames((ImageRef.parse("iris"),))

    image = build_image(BuildRequest(model=model), names, steps, bench)

    assert bench.plan is not None
    assert bench.plan.model.source == model.path
    assert bench.plan.environment.wheels == (Path("/shelf/alpha-1.0-py3-none-any.whl"),)
    assert (bench.plan.environment.target, bench.plan.server.target) == ("/opt/env", "/opt/lading")
    assert image.names == names.names
    assert list(image.seconds) == ["fetch the model", "lock the environment", "fetch the wheels"]


def test_options_reach_the_plan(model, steps):
    """What the user asks of the image is in the plan."""
    (plan,) = plan_images(
        BuildRequest(model=model, options=ImageOptions(port=9000, base=named_base("mine"))), steps
    )

    assert (plan.port, plan.base) == (9000, "mine")


def test_a_lock_is_written_where_that_is_asked_for(model, steps, tmp_path):
    """--lock leaves the lock in a file that --from-lock reads."""
    plan_images(BuildRequest(model=model, lock_to=tmp_path / "pylock.toml"), steps)

    assert (tmp_path / "pylock.toml").read_text() == lock_of(ALPHA).pylock


def test_a_given_lock_is_installed_and_nobody_locks(model, steps, locksmith, tmp_path):
    """--from-lock gives exactly what the lock says."""
    (tmp_path / "pylock.toml").write_text(lock_of(ALPHA).pylock)

    (plan,) = plan_images(BuildRequest(model=model, lock_from=tmp_path / "pylock.toml"), steps)

    assert plan.environment.lock == lock_of(ALPHA)
    assert locksmith.asked == []


def test_a_lock_that_cannot_be_read_or_written_is_an_error(model, steps, tmp_path):
    """The message names the file."""
    (tmp_path / "binary").write_bytes(b"\xff")
    with pytest.raises(InvalidEnvironment, match=r"cannot read the lock '.*binary'"):
        plan_images(BuildRequest(model=model, lock_from=tmp_path / "binary"), steps)

    with pytest.raises(StoreError, match=r"cannot write the lock '.*lock'"):
        plan_images(BuildRequest(model=model, lock_to=tmp_path / "no" / "lock"), steps)


def test_each_platform_has_a_plan_of_its_own(model, steps):
    """The model is fetched once, and locked for each platform."""
    platforms = (LINUX, Platform("linux", "arm64"))

    plans = plan_images(BuildRequest(model=model, platforms=platforms), steps)

    assert [plan.platform for plan in plans] == list(platforms)
    assert len({plan.model.digest for plan in plans}) == 1
