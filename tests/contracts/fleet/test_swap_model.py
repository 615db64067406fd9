"""Another model in an image that is in a registry: by the command line, with a real registry."""

import json
import signal
import uuid

import pytest
from lading.oci.registry.registries import Registries
from lading.reference import ImageRef
from testcontainers.core.container import DockerContainer

from tests.conftest import run
from tests.contracts.test_image import ASK, FLOWERS, inside, running
from tests.registries import images
from tests.registries.counting import relaying

pytestmark = pytest.mark.xdist_group("fleet")


def swap(fleet, model, *words, image=None, **variables):
    """Swap the model; return what was told of the image."""
    return fleet.told("lading", "swap-model", image or fleet.live, "-m", model, *words, **variables)


def refusal(fleet, model, image=None):
    """Return why the model cannot be swapped."""
    return fleet.refused("lading", "swap-model", image or fleet.live, "-m", model)


def test_the_image_is_the_one_that_a_build_makes(fleet):
    """Swapped or built: the same digest."""
    swapped = swap(fleet, fleet.new, "-n", f"{fleet.host}/fleet/iris:swapped")["digest"]

    assert swapped == fleet.build(fleet.new, f"{fleet.host}/fleet/iris:built")
    assert swapped == fleet.digest(f"{fleet.host}/fleet/iris:swapped")


@pytest.mark.parametrize(
    ("place", "overhead_bytes"), [("fleet/iris:alone", 20_000), ("another/iris:1", 30_000)]
)
def test_only_the_model_is_sent(fleet, model, tmp_path, place, overhead_bytes):
    """From a machine that has built nothing: the model, manifest, configuration, and requests.

    There are more of these for another repository, which has to be told of each layer.
    """
    (model / "note.txt").write_text(place)
    fleet.relay.reset()

    facts = swap(fleet, model, "-n", f"{fleet.host}/{place}", LADING_CACHE_DIR=str(tmp_path / "empty"))

    model_bytes = facts["layers"][-1]["size_bytes"]
    assert model_bytes < fleet.relay.sent_bytes < model_bytes + overhead_bytes
    assert fleet.relay.received_bytes < 40_000
    assert fleet.digest(f"{fleet.host}/{place}") == facts["digest"]


def test_a_dry_run_tells_and_changes_nothing(fleet):
    """What would be removed and added, and which labels would change; the name keeps its image."""
    before = fleet.digest(fleet.live)

    told = swap(fleet, fleet.new, "--dry-run")

    assert fleet.digest(fleet.live) == before == told["old"]
    (image,) = told["images"]
    assert [len(image["removed"]), len(image["added"])] == [1, 1]
    assert "ai.lading.model.digest" in image["labels"]


def test_a_model_with_another_environment_is_refused(fleet, model):
    """The error names the packages that differ, with both versions, and the way out."""
    text = (model / "requirements.txt").read_text()
    (model / "requirements.txt").write_text(f"{text}\niniconfig==2.0.0\n")

    assert "other packages: iniconfig none → 2.0.0; build-image" in refusal(fleet, model)


def test_requirements_in_other_words_fit_where_they_give_the_same_lock(fleet, model):
    """An environment that was captured otherwise is the same where it has the same files."""
    text = (model / "requirements.txt").read_text()
    (model / "requirements.txt").write_text(f"# as before\n{text.replace('==', ' == ')}\nnumpy>=1\n")

    assert swap(fleet, model, "-n", f"{fleet.host}/fleet/iris:words")["digest"]


def test_a_model_with_another_python_is_refused(fleet, model):
    """The error names both."""
    (model / "python_env.yaml").write_text("python: 3.12.1\ndependencies: [-r requirements.txt]\n")

    assert "needs Python 3.12, the image has 3.11; build-image" in refusal(fleet, model)


def test_a_model_with_another_signature_is_taken_only_on_request(fleet, model):
    """Clients may have to ask in another way, so somebody must say that they can."""
    path = model / "MLmodel"
    path.write_text(path.read_text().replace("sepal length (cm)", "length"))

    assert "another signature" in refusal(fleet, model)
    name = f"{fleet.host}/fleet/iris:other"
    assert swap(fleet, model, "--allow-signature-change", "-n", name)["digest"]


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        ("{host}/fleet/iris:gone", "fleet/iris:gone is not in its registry"),
        ("{host}/nothing:1", "nothing:1 is not in its registry"),
        ("{host}/fleet/nobody:1", "fleet/nobody:1 is no image of Lading"),
        ("{host}/fleet/UPPER", "no image name"),
        ("oci:/nowhere", "there is no image at '/nowhere'"),
    ],
)
def test_what_is_no_image_of_ours_is_refused(fleet, image, reason):
    """No repository, tag or layout, no name, and images of others: one line says which."""
    with Registries() as registries:
        registries.push(images.random_image(1), ImageRef.parse(f"{fleet.host}/fleet/nobody:1"))

    assert reason in refusal(fleet, fleet.new, image=image.format(host=fleet.host))


def test_an_image_named_by_its_digest_needs_a_name(fleet):
    """A digest names one image for ever: the changed one must be called something else."""
    image = f"{fleet.host}/fleet/iris@{fleet.digest(fleet.live)}"

    assert "give it one with -n" in refusal(fleet, fleet.new, image=image)


def test_a_registry_that_goes_away_keeps_the_old_image(fleet, model):
    """When nothing more arrives while the manifest is on its way, the name stands for what it did."""
    (model / "note.txt").write_text("another one")
    before = fleet.digest(fleet.live)

    with relaying(fleet.relay.port) as breaking:
        breaking.gone_at = b"PUT /v2/fleet/iris/manifests/live"
        words = ("swap-model", f"{breaking.host}/fleet/iris:live", "-m", model)
        with fleet.start("lading", *words) as process:
            assert breaking.went.wait(60)
            process.send_signal(signal.SIGTERM)
            _, errors = process.communicate()

    assert errors == "lading: interrupted\n"
    assert fleet.digest(fleet.live) == before


def test_an_image_in_a_layout_changes_there(fleet, tmp_path):
    """Folders take a changed image under the old one's name, in its place."""
    place = tmp_path / "images"
    built = fleet.told(
        "build-image", "-m", fleet.old, "-n", "iris:1", "-o", place, "--base-image", "debian:bookworm"
    )

    facts = swap(fleet, fleet.new, image=f"oci:{place}")

    (entry,) = json.loads((place / "index.json").read_text())["manifests"]
    assert entry["digest"] == facts["digest"] != built["digest"]
    assert entry["annotations"]["org.opencontainers.image.ref.name"] == "1"


def test_an_image_in_an_archive_changes_there(fleet, tmp_path):
    """A file is replaced by one with the changed image, under the old one's name."""
    place = tmp_path / "iris.tar"
    words = ("-m", fleet.old, "-n", "iris:1", "-o", place, "--base-image", "debian:bookworm")
    built = fleet.told("build-image", *words)

    facts = swap(fleet, fleet.new, image=f"oci-archive:{place}")

    inspected = json.loads(run("skopeo", "inspect", f"oci-archive:{place}:1"))
    assert inspected["Digest"] == facts["digest"] != built["digest"]


def test_an_index_changes_for_every_platform(fleet):
    """All images of an index get the model, and its name stands for a new index."""
    name = f"{fleet.host}/fleet/both:1"
    fleet.build(fleet.old, name, "--platform", "linux/amd64,linux/arm64")

    told = swap(fleet, fleet.new, "--dry-run", image=name)
    facts = swap(fleet, fleet.new, image=name)

    assert [image["platform"] for image in told["images"]] == ["linux/amd64", "linux/arm64"]
    assert fleet.digest(name) == facts["digest"] == told["new"]


@pytest.mark.container
def test_the_swapped_image_answers_as_the_new_model(fleet):
    """An engine pulls and runs it under the image's own name."""
    name = f"{fleet.host}/fleet/run-{uuid.uuid4().hex[:8]}:live"
    fleet.build(fleet.old, name)
    swap(fleet, fleet.new, image=name)

    run("docker", "pull", name)
    try:
        with running(DockerContainer(name)) as container:
            answer = inside(container, "/opt/lading/bin/python", "-c", ASK, json.dumps(FLOWERS))
    finally:
        run("docker", "rmi", "--force", name)

    assert json.loads(answer) == {"predictions": [2, 1, 0]}
