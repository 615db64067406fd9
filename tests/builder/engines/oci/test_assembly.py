"""A plan's settings on a base image's."""

import json

import pytest
from lading.digest import Digest
from lading.engines.oci.assembly import Layers, assemble
from lading.engines.oci.bases.base import Base
from lading.errors import BuildFailed
from lading.oci import media_types
from lading.oci.blob import BytesBlob
from lading.oci.config import Config
from lading.oci.descriptor import Descriptor
from lading.oci.image import Image, Layer


def layer(name: str) -> Layer:
    """Return a layer that its name tells apart."""
    content = name.encode()
    return Layer(Descriptor.of(media_types.TAR, content), Digest.of(content), BytesBlob(content), name)


def base_of(*layers: Layer, **run) -> Base:
    """Return a base image that has these layers and settings."""
    rootfs = {"type": "layers", "diff_ids": [str(each.diff_id) for each in layers]}
    config = Config({"os": "linux", "architecture": "amd64", "rootfs": rootfs, "config": run})
    return Base("python:3.11", Image(config, layers), "/usr/bin/python3.11", Digest.of(b"base manifest"))


LAYERS = Layers(
    (layer("s1"), layer("s2")), (layer("e"),), (layer("runtime"),), (layer("pyc"),), (layer("model"),)
)


def test_what_changes_least_is_lowest(plan_of):
    """The layers come in one order, and a label says how many each part has."""
    image = assemble(plan_of(), base_of(layer("base")), LAYERS)

    assert [each.created_by for each in image.layers] == ["base", "s1", "s2", "e", "runtime", "pyc", "model"]
    assert image.config.labels["ai.lading.layers"] == (
        "base=1 server=2 environment=1 runtime=1 bytecode=1 model=1"
    )


def test_the_image_runs_as_one_that_an_engine_built(plan_of):
    """Settings of the plan win over those of the base; what the base alone says stays."""
    base = base_of(layer("base"), Env=["PATH=/usr/bin", "PORT=1"], User="0", Labels={"a": "b"}, Cmd=["sh"])
    plan = plan_of(port=9000, env={"GREETING": "a=b c"}, labels={"team": "x"})

    run = assemble(plan, base, LAYERS).config.run

    assert (run["User"], run["Cmd"], run["WorkingDir"], run["StopSignal"]) == ("65532", [], "/opt", "SIGTERM")
    assert run["Entrypoint"] == list(plan.entrypoint)
    assert {f"PATH={plan.env['PATH']}", "PORT=9000", "GREETING=a=b c"} <= set(run["Env"])
    assert run["ExposedPorts"] == {"9000/tcp": {}}
    assert run["Labels"] | {"a": "b", "team": "x"} == run["Labels"]
    assert run["Labels"]["org.opencontainers.image.base.digest"] == str(base.digest)
    assert run["Healthcheck"]["Test"][0] == "CMD"


def test_the_manifest_says_what_the_image_is(plan_of):
    """The standard annotations are those of the labels, for who reads no configuration."""
    manifest = json.loads(assemble(plan_of(), base_of(layer("base")), LAYERS).manifest_bytes)

    assert manifest["annotations"]["org.opencontainers.image.base.name"] == "python:3.11-slim-bookworm"
    assert manifest["annotations"]["org.opencontainers.image.created"] == "1980-01-01T00:00:01Z"


def test_the_same_plan_gives_the_same_image(plan_of):
    """Two assemblies of equal plans have one digest."""
    first, second = (assemble(plan_of(), base_of(layer("base")), LAYERS) for _ in range(2))

    assert first.descriptor == second.descriptor


def test_more_layers_than_engines_mount_are_refused(plan_of):
    """The message counts them, and says whose they are."""
    base = base_of(*(layer(str(number)) for number in range(125)))

    with pytest.raises(BuildFailed, match=r"131 layers, 125 of them of 'python:3.11'"):
        assemble(plan_of(), base, LAYERS)
