"""Another base or server under an image that is in a registry: by the command line, with a real registry."""

import json
import shutil
import uuid
from dataclasses import replace
from pathlib import Path

import pytest
from lading.environment import Platform
from lading.oci.config import Config
from lading.oci.image import Image
from lading.oci.registry.registries import Registries
from lading.reference import ImageRef
from testcontainers.core.container import DockerContainer

from tests.conftest import run
from tests.contracts.test_image import ANSWER, ASK, FLOWERS, inside, running
from tests.registries.images import layer

pytestmark = pytest.mark.xdist_group("fleet")

CHECKOUT = Path(__file__).parents[3]
LINUX = Platform("linux", "amd64")
OVERHEAD_BYTES = 40_000
"""The manifest, the configuration, and requests for what is there already."""


def new_base(fleet, name, *files, count=2, **variables):
    """Push what the image stands on, with other *files* on top: a base with a fix, say."""
    with Registries() as registries:
        image = registries.pull(ImageRef.parse(fleet.live), LINUX).image
        env = [f"PATH={image.config.env['PATH']}", *(f"{key}={text}" for key, text in variables.items())]
        members = {**image.config.members, "config": {"Env": env}, "history": []}
        plain = Image(Config(members), image.layers)
        added = (layer(b"#!/bin/sh\n", file) for file in files)
        made = plain.with_layers((*image.layers[:count], *added))
        registries.push(replace(made, annotations={}), ImageRef.parse(name))


def rebase(fleet, *words, image=None):
    """Rebase the image; return what was told of it."""
    return fleet.told("lading", "rebase", image or fleet.live, *words)


def test_the_image_is_the_one_that_a_build_makes(fleet):
    """Rebased or built on the new base: the same digest, and kilobytes are sent."""
    bases = [f"{fleet.host}/base/python:{tag}" for tag in ("plain", "fixed")]
    new_base(fleet, bases[0])
    new_base(fleet, bases[1], "etc/fixed", FIXED="yes")
    built, image = (f"{fleet.host}/fleet/iris:{tag}" for tag in ("on-fixed", "on-plain"))
    digest = fleet.build(fleet.old, built, "--base-image", bases[1])
    fleet.build(fleet.old, image, "--base-image", bases[0])
    fleet.relay.reset()

    rebased = rebase(fleet, "--base", bases[1], image=image)["digest"]

    assert fleet.relay.sent_bytes < OVERHEAD_BYTES
    assert rebased == digest == fleet.digest(image)


def test_there_and_back_is_the_old_image(fleet):
    """On its own base again, the image has its old digest."""
    base, name = f"{fleet.host}/base/python:other", f"{fleet.host}/fleet/iris:back"
    new_base(fleet, base, "etc/other")
    rebase(fleet, "--base", base, "-n", name)

    assert rebase(fleet, "--base", "debian:bookworm", image=name)["digest"] == fleet.digest(fleet.live)


def test_the_same_base_is_resolved_anew(fleet):
    """Without --base, the base's name decides: a security update comes by its tag."""
    base, name = f"{fleet.host}/base/python:3.11", f"{fleet.host}/fleet/iris:updated"
    new_base(fleet, base, "etc/first")
    rebase(fleet, "--base", base, "-n", name)
    new_base(fleet, base, "etc/second")

    told = rebase(fleet, "--dry-run", image=name)

    (image,) = told["images"]
    assert len(image["removed"]) == len(image["added"]) == 1
    assert list(image["labels"]) == ["org.opencontainers.image.base.digest"]
    assert rebase(fleet, image=name)["digest"] == told["new"] == fleet.digest(name)


def test_the_same_server_changes_nothing(fleet):
    """--server with the Lading that has built the image gives the same image."""
    told = rebase(fleet, "--server", "--dry-run")

    assert told["old"] == told["new"]


@pytest.mark.parametrize(
    ("base", "reason"),
    [
        ("{host}/base/none:1", "base/none:1 is not in its registry"),
        ("{host}/base/empty:1", "has no Python, the model needs 3.11"),
        ("debian:bullseye", "has no Python 3.11, it has 3.9"),
    ],
)
def test_a_base_that_the_image_cannot_stand_on_is_refused(fleet, base, reason):
    """No base, no Python, another Python: one line says which."""
    new_base(fleet, f"{fleet.host}/base/empty:1", "etc/nothing", count=0)
    before = fleet.digest(fleet.live)

    told = fleet.refused("lading", "rebase", fleet.live, "--base", base.format(host=fleet.host))

    assert reason in told
    assert fleet.digest(fleet.live) == before


def older_lading(folder):
    """Return the path of a Lading that has another server than this one."""
    for part in ("builder", "runtime", "templates"):
        shutil.copytree(CHECKOUT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    with (folder / "runtime" / "lading_runtime" / "__init__.py").open("a") as file:
        file.write("\n# of an older version\n")
    return folder / "builder"


@pytest.mark.container
def test_the_rebased_image_answers(fleet, tmp_path):
    """Its server is this Lading's, its Python in another folder, and it predicts as before."""
    name = f"{fleet.host}/fleet/run-{uuid.uuid4().hex[:8]}:live"
    older = older_lading(tmp_path)
    fleet.told("build-image", *fleet.usual(fleet.old, name), PYTHONPATH=str(older))
    told = rebase(fleet, "--base", "debian:bookworm+host", "--server", "--dry-run", image=name)
    assert "ai.lading.server.lock" in told["images"][0]["labels"]
    rebase(fleet, "--base", "debian:bookworm+host", "--server", image=name)

    run("docker", "pull", name)
    try:
        with running(DockerContainer(name)) as container:
            answer = inside(container, "/opt/lading/bin/python", "-c", ASK, json.dumps(FLOWERS))
            links = inside(
                container, "/opt/env/bin/python", "-c", "import os; print(os.readlink('/opt/env/bin/python'))"
            )
    finally:
        run("docker", "rmi", "--force", name)

    assert json.loads(answer) == ANSWER
    assert links.strip() == "/usr/local/bin/python3.11"
