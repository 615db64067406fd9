"""Images through the API of an engine, with an image so small that it is made in seconds."""

import io
import os
import tarfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import docker
import pytest
import uv
from docker.errors import DockerException
from docker.models.containers import Container
from docker.models.images import Image
from lading.engines.buildkit import BuildKitBuilder
from lading.engines.buildx import Buildx, find_buildx
from lading.engines.classic import ClassicBuilder
from lading.engines.context import Data, tar
from lading.engines.docker import DockerEngine, ImageBuilder
from lading.engines.find import connect
from lading.environment import PythonMinor
from lading.errors import BuildFailed
from lading.image import BuiltImage
from lading.plan import ImageNames, ImagePlan
from lading.progress import Silent
from lading.reference import ImageRef
from lading.store import Store

pytestmark = pytest.mark.container

BASE = "python:3.11-slim-bookworm"
HARDENED = {
    "read_only": True,
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges"],
    "user": "12345",
    "network_mode": "none",
}


@dataclass
class Recorder(Silent):
    """Remembers what a build tells; may interrupt it as Ctrl-C does."""

    interrupt_at: str | None = None
    sent_bytes: list[int] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    @contextmanager
    def transfer(self, name, total_bytes):
        """Remember how much was sent."""
        self.sent_bytes.append(0)

        def moved(count: int) -> None:
            self.sent_bytes[-1] += count

        yield moved

    def line(self, text: str) -> None:
        """Remember the line."""
        self.lines.append(text)
        if self.interrupt_at and self.interrupt_at in text:
            raise KeyboardInterrupt


@dataclass(frozen=True)
class Workbench:
    """An engine, and a base image of a test's own."""

    client: docker.DockerClient
    store: Store
    mark: str

    buildx: Buildx | None
    """What has BuildKit build; None for the classic builder."""

    @property
    def base(self) -> str:
        """The base image's name."""
        return f"lading-test/{self.mark}:base"

    @property
    def name(self) -> str:
        """A name for an image."""
        return f"lading-test/{self.mark}:latest"

    def fresh_base(self) -> str:
        """The name of a base image on which no builder has ever made anything.

        The classic builder knows images by their ids, BuildKit by what is in them. It keeps what it makes, so
        only tests of what is made and what is kept use this one.
        """
        name = f"lading-test/{self.mark}:fresh"
        dockerfile = f"FROM {self.base}\nCOPY Dockerfile /made-for-{self.mark}\n".encode()
        context = io.BytesIO(b"".join(tar([Data("Dockerfile", dockerfile)])))
        self.client.images.build(fileobj=context, custom_context=True, tag=name, rm=True)
        return name

    def build(self, plan: ImagePlan, progress: Recorder | None = None, **options) -> BuiltImage:
        """Build *plan* under the test's name."""
        told = progress or Recorder()
        engine = DockerEngine(self.client, self.store, self.builder(told, **options), told)
        return engine.build((plan,), ImageNames((ImageRef.parse(self.name),)))

    def builder(self, told: Recorder, **options) -> ImageBuilder:
        """The builder that is tested."""
        tools = (self.client, self.store, lambda _: Path(uv.find_uv_bin()), told)
        classic = ClassicBuilder(*tools, **options)
        return BuildKitBuilder(self.buildx, classic, *tools, **options) if self.buildx else classic

    def run(self, *command: str, **options) -> str:
        """Run the image to its end; return what it printed."""
        output = self.client.containers.run(self.name, list(command), remove=True, **options)
        return str(output.decode()).strip()

    def images(self) -> list[Image]:
        """All images on the base, those of single steps included; newest first."""
        return self.client.images.list(all=True, filters={"label": f"test={self.mark}"})

    def remove(self, image: Image) -> bool:
        """Remove an image, unless another one stands on it or it went with that."""
        try:
            self.client.images.remove(str(image.id), force=True)
        except DockerException:
            return False
        return True

    def containers(self) -> list[Container]:
        """All containers of those images."""
        ids = {image.id for image in self.images()}
        return [
            each
            for each in self.client.containers.list(all=True, ignore_removed=True)
            if each.attrs["Image"] in ids  # somebody else's container may stand on an image that is gone
        ]


@pytest.fixture(params=["classic", "buildkit"])
def bench(request, store) -> Iterator[Workbench]:
    """An engine with each builder, and a fresh base image; everything that is made of it is removed."""
    found = connect()
    client, buildx = found.client, None
    if request.param == "buildkit":
        buildx = find_buildx(found, {**os.environ, "DOCKER_BUILDKIT": "1"})
        assert buildx is not None, "docker buildx does not build in this engine; ci/buildx installs it"
    bench = Workbench(client, store, uuid.uuid4().hex[:12], buildx)
    dockerfile = f"FROM {BASE}\nLABEL test={bench.mark}\n"
    client.images.build(fileobj=io.BytesIO(dockerfile.encode()), tag=bench.base, rm=True)
    yield bench
    for container in bench.containers():
        container.remove(force=True)
    while sum(map(bench.remove, bench.images())):
        pass  # an image goes when nothing stands on it any more
    client.close()


def test_an_image_runs_as_anybody_without_rights(bench, plan_of):
    """It starts read-only, without capabilities and network, as any user, and also when called `serve`."""
    bench.build(plan_of(base=bench.base))

    assert bench.run(**HARDENED) == "served with []"
    assert bench.run("serve", **HARDENED) == "served with ['serve']"


def test_both_environments_hold_exactly_what_is_locked(bench, plan_of):
    """Each has its own packages with bytecode, neither has pip, uv or the other's; nothing is left over."""
    bench.build(plan_of(base=bench.base))
    look = "import os, importlib.metadata as m; print(sorted(d.name for d in m.distributions()))"
    files = (
        "import os; print(os.path.exists('/lading'), os.path.exists('/opt/env/lib/python3.11/site-packages"
    )
    files += "/__pycache__/alpha.cpython-311.pyc'), os.access('/opt/env', os.W_OK))"

    found = {
        target: bench.run("-c", look, entrypoint=f"{target}/bin/python")
        for target in ("/opt/lading", "/opt/env")
    }

    assert found == {"/opt/lading": "['lading-runtime', 'served']", "/opt/env": "['alpha']"}
    assert bench.run("-c", files, entrypoint="/opt/env/bin/python") == "False True False"


def test_the_configuration_is_the_plans(bench, plan_of):
    """Labels, variables, port, user, health check and stop signal are those of the plan."""
    plan = plan_of(
        base=bench.base, port=9000, env={"GREETING": 'a "b" $c \\d'}, labels={"team": "x $y"}, workers=2
    )

    built = bench.build(plan)
    config = bench.client.images.get(bench.name).attrs["Config"]

    assert plan.labels.items() <= config["Labels"].items()
    assert {f"{name}={value}" for name, value in plan.env.items()} <= set(config["Env"])
    assert (config["User"], config["WorkingDir"], config["StopSignal"]) == ("65532", "/opt", "SIGTERM")
    assert list(config["ExposedPorts"]) == ["9000/tcp"]
    assert config["Entrypoint"] == list(plan.entrypoint)
    assert config["Healthcheck"]["Test"] == ["CMD", *plan.health_check]
    assert (str(built.names[0]), built.digest) == (bench.name, None)
    assert built.id == type(built.id).parse(bench.client.images.get(bench.name).id)


def test_the_layers_say_what_made_them(bench, plan_of):
    """The last layer is the model's, and sizes are known for all."""
    built = bench.build(plan_of(base=bench.base))

    steps = [layer.created_by.removesuffix("# buildkit") for layer in built.layers]
    targets = [step.split()[-1] for step in steps if step.startswith("COPY")]
    packages = "/opt/lading/lib/python3.11/site-packages/"
    assert targets == ["/opt/lading", "/opt/env", packages, "/opt/ml/model/"]
    assert sum(layer.size_bytes for layer in built.layers) == built.size_bytes


def test_a_changed_model_touches_one_layer(bench, plan_of):
    """All layers but the last stay, and only the model's stage is sent."""
    base = bench.fresh_base()
    first = bench.build(plan_of(base=base))
    (plan_of.model / "MLmodel").write_text("changed\n")
    told = Recorder()

    second = bench.build(plan_of(base=base), told)

    assert second.layers[:-1] == first.layers[:-1]
    assert second.layers[-1] != first.layers[-1]
    assert len(told.sent_bytes) == 1
    assert told.sent_bytes[0] < 20_000


def test_a_change_that_keeps_the_size_is_seen(bench, plan_of):
    """What decides is what is in a file, not its size or its time."""
    path = plan_of.model / "MLmodel"
    path.write_text("flavors: {a: 1}")
    status = path.stat()
    bench.build(plan_of(base=bench.base))
    path.write_text("flavors: {a: 2}")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

    bench.build(plan_of(base=bench.base))

    script = "print(open('/opt/ml/model/MLmodel').read())"
    assert bench.run("-c", script, entrypoint="/opt/env/bin/python") == "flavors: {a: 2}"


def test_both_environments_may_have_the_same_wheel(bench, plan_of, packages):
    """A wheel of the store that is in both is installed in both."""
    wheel = packages.wheel("shared", size=1 << 16)
    kept = bench.store.named(bench.store.add_file(wheel), wheel.name)
    plan_of = replace(plan_of, server=(*plan_of.server, kept), environment=(kept,))

    bench.build(plan_of(base=bench.base))

    for target in ("/opt/lading", "/opt/env"):
        assert bench.run("-c", "import shared", entrypoint=f"{target}/bin/python") == ""


def test_an_image_made_from_ours_is_not_mistaken_for_it(bench, plan_of):
    """What a user builds on our image inherits its labels, and is something else nevertheless."""
    first = bench.build(plan_of(base=bench.base))
    dockerfile = f"FROM {bench.name}\nENV MINE=1\n"
    bench.client.images.build(fileobj=io.BytesIO(dockerfile.encode()), rm=True)

    second = bench.build(plan_of(base=bench.base))

    assert second.id == first.id


def test_the_base_may_be_given_by_its_id(bench, plan_of):
    """An image without a name, too, can be built on."""
    identity = str(bench.client.images.get(bench.base).id)

    for base in (identity, identity.removeprefix("sha256:")[:12]):
        built = bench.build(plan_of(base=base))

        assert bench.run(**HARDENED) == "served with []"
        assert built.names == (ImageRef.parse(bench.name),)


def test_a_changed_environment_leaves_the_server(bench, plan_of, packages):
    """The layers of base and server stay when the model needs another package."""
    base = bench.fresh_base()
    first = bench.build(plan_of(base=base))
    other = replace(plan_of, environment=(packages.wheel("beta"),))

    second = bench.build(other(base=base))

    kept = [layer.created_by for layer in second.layers if layer in first.layers]
    assert [step for step in kept if "/opt/lading" in step]
    assert not [step for step in kept if "/opt/env" in step]
    assert bench.run("-c", "import beta", entrypoint="/opt/env/bin/python") == ""


@pytest.mark.parametrize("bench", ["buildkit"], indirect=True)
def test_a_changed_server_leaves_the_environment_installed(bench, plan_of, packages):
    """BuildKit keeps the environment that it has installed when the server below it changes."""
    base = bench.fresh_base()
    bench.build(plan_of(base=base))
    told = Recorder()

    replaced = replace(plan_of, server=(packages.wheel("beta"), plan_of.server[-1]))
    bench.build(replaced(base=base), told)

    numbers = {line.split()[1]: line.split()[0] for line in told.lines if "RUN" in line}
    assert f"{numbers['[environment-install']} CACHED" in told.lines
    assert f"{numbers['[server-install']} CACHED" not in told.lines
    assert bench.run("-c", "import beta", entrypoint="/opt/lading/bin/python") == ""


def test_nothing_changed_means_nothing_is_sent(bench, plan_of):
    """The same plan is the same image, found again without a build."""
    first = bench.build(plan_of(base=bench.base))
    told = Recorder()

    second = bench.build(plan_of(base=bench.base), told)

    assert (second.id, told.sent_bytes) == (first.id, [])


def test_everything_is_made_again_where_that_is_asked_for(bench, plan_of):
    """A fresh build uses nothing of earlier ones."""
    base = bench.fresh_base()
    first = bench.build(plan_of(base=base))
    told = Recorder()

    second = bench.build(plan_of(base=base), told, is_fresh=True)

    made = [layer for layer in second.layers if layer not in first.layers]
    assert second.id != first.id
    assert [layer.created_by for layer in made if "/opt/env" in layer.created_by]
    assert told.sent_bytes
    assert not any("Using cache" in line for line in told.lines)


def test_every_name_of_a_model_file_survives(bench, plan_of):
    """Spaces, letters of any script, leading dots, links and empty folders arrive, readable for anybody."""
    names = ["a b.txt", "ünï/çødé.bin", ".hidden", ".dockerignore", "Dockerfile", "-x", "$HOME", "#c"]
    for name in names:
        (plan_of.model / name).parent.mkdir(exist_ok=True)
        (plan_of.model / name).write_text("*")
        (plan_of.model / name).chmod(0o600)
    (plan_of.model / "link").symlink_to("a b.txt")
    (plan_of.model / "empty").mkdir(mode=0o700)
    script = (
        "import os; r='/opt/ml/model';"
        "print(sorted(os.path.relpath(os.path.join(d, f), r) for d, _, fs in os.walk(r) for f in fs"
        " if open(os.path.join(d, f)).read()), os.listdir(r + '/empty'), os.readlink(r + '/link'))"
    )
    bench.build(plan_of(base=bench.base))

    printed = bench.run("-c", script, entrypoint="/opt/env/bin/python", user="12345")

    assert printed == f"{sorted([*names, 'MLmodel', 'link'])} [] a b.txt"


def test_a_failed_build_leaves_the_old_image(bench, plan_of, packages):
    """A wheel that is not what was locked ends the build; the name keeps its image, and nothing is left."""
    base = bench.fresh_base()
    first = bench.build(plan_of(base=base))
    changed = replace(plan_of, environment=(packages.wheel("beta"),))(base=base)
    packages.wheel("beta", size=10)

    with pytest.raises(BuildFailed, match="the engine cannot build the image"):
        bench.build(changed)

    assert bench.client.images.get(bench.name).id == str(first.id)
    assert not bench.containers()
    assert not [image for image in bench.images() if image.labels.get("ai.lading.stage") == "install"]


@pytest.mark.parametrize("moment", ["RUN", "COPY --from", "COPY model/"])
def test_an_interrupted_build_leaves_the_old_image(bench, plan_of, packages, moment):
    """Ctrl-C at any moment leaves the name where it was and nothing behind; the next build works."""
    base = bench.fresh_base()
    first = bench.build(plan_of(base=base))
    changed = replace(plan_of, environment=(packages.wheel("beta", size=1 << 20),))
    with pytest.raises(KeyboardInterrupt):
        bench.build(changed(base=base), Recorder(interrupt_at=moment))

    assert bench.client.images.get(bench.name).id == str(first.id)
    assert not [image for image in bench.images() if image.labels.get("ai.lading.stage") == "install"]
    assert bench.build(changed(base=base)).id != first.id


def test_a_build_argument_is_part_of_what_is_built(bench, plan_of):
    """An image made with another argument, which a base's ONBUILD may use, is not taken for this one."""
    first = bench.build(plan_of(base=bench.base))

    second = bench.build(replace(plan_of(base=bench.base), build_args={"A": "1"}))

    assert second.id != first.id


def test_a_removed_image_takes_its_stages_along(bench, plan_of):
    """The images of the stages have no names and are gone with the last image that stands on them."""
    bench.build(plan_of(base=bench.base))
    named = [image.tags for image in bench.images() if image.tags]

    bench.client.images.remove(bench.name)

    assert sorted(named) == [[bench.base], [bench.name]]
    assert [image.tags for image in bench.images()] == [[bench.base]]


def test_a_base_with_another_python_is_refused(bench, plan_of):
    """The message says which Python the base has, which one is needed, and what to do."""
    plan = replace(plan_of(base=bench.base), python=PythonMinor(3, 12))

    with pytest.raises(
        BuildFailed, match=r"has Python 3\.11, the model needs 3\.12; .*--base-image python:3\.12"
    ):
        bench.build(plan)


def test_a_base_without_python_is_refused(bench, plan_of):
    """An image in which nothing can run is no base."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("empty"))
    name = f"lading-test/{bench.mark}"
    bench.client.api.import_image_from_data(buffer.getvalue(), repository=name, tag="nothing")

    try:
        with pytest.raises(BuildFailed, match=r"has no Python, the model needs 3\.11"):
            bench.build(plan_of(base=f"{name}:nothing"))
    finally:
        bench.client.images.remove(f"{name}:nothing")


def test_a_base_that_cannot_be_had_is_an_error(bench, plan_of):
    """A missing base names itself and what to do about it."""
    with pytest.raises(
        BuildFailed, match=r"'localhost:1/nope:1' is not here and cannot be pulled.*--base-image"
    ):
        bench.build(plan_of(base="localhost:1/nope:1"))


def test_a_base_for_another_platform_is_not_used(bench, plan_of):
    """An image of this name for another processor is looked for in its registry, not built on."""
    plan = plan_of(base=bench.base)
    other = replace(plan, platform=type(plan.platform)("linux", "arm64"))

    with pytest.raises(BuildFailed, match="base"):
        bench.build(other)
