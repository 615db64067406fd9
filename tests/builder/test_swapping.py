"""Whether a model may take the place of the one in an image."""

from dataclasses import replace
from pathlib import Path

import pytest
from lading.build import FoundModel, ModelWishes, Steps, find_model
from lading.engines.oci.assembly import Layers, assemble
from lading.errors import InvalidImage, UnfitModel
from lading.layer import EnvironmentLayer, FolderLayer
from lading.live import LiveImage
from lading.lock import LockedPackage
from lading.oci.image import Image, Index, Layer
from lading.plan import ImageOptions, make_plan
from lading.progress import Silent, Timed
from lading.reference import LocalModel
from lading.swapping import SwapRequest, swap_model

from tests.builder.engines.oci.test_assembly import base_of, layer
from tests.builder.test_build import ALPHA, Locksmith, NoConda, Server, Shelf, found, lock_of
from tests.registries import images

PACKAGES = "lading: alpha 0.9, beta 2.0 in /opt/env"


def layer_of(folder: FolderLayer) -> Layer:
    """Make a layer that tells which model it is of."""
    return layer(str(folder.digest))


def written(folder: Path, requirements: str = "alpha==1.0", signature: str = "") -> LocalModel:
    """Write a model."""
    folder.mkdir()
    flavours = "flavors: {python_function: {loader_module: mine, python_version: 3.11.7}}\n"
    (folder / "MLmodel").write_text(f"{flavours}mlflow_version: 3.1.0\n{signature}")
    (folder / "requirements.txt").write_text(f"{requirements}\n")
    (folder / "python_env.yaml").write_text("python: 3.11.7\ndependencies: [-r requirements.txt]\n")
    return LocalModel(folder)


@pytest.fixture
def locksmith() -> Locksmith:
    """Who locks."""
    return Locksmith()


@pytest.fixture
def steps(locksmith) -> Steps:
    """Steps that need neither network nor store."""
    return Steps(found, locksmith, Server(), Shelf(), NoConda(), Timed(Silent()))


def image_of(known: FoundModel, *packages: LockedPackage) -> Image:
    """An image of a model whose environment has *packages*."""
    environment = EnvironmentLayer("/opt/env", lock_of(*packages), ())
    plan = make_plan(
        known.planned, EnvironmentLayer("/opt/lading", lock_of(), ()), environment, ImageOptions()
    )
    parts = (layer("server"),), (layer(PACKAGES),), (layer("runtime"),), (), (layer_of(known.planned.layer),)
    return assemble(plan, base_of(layer("base")), Layers(*parts))


@pytest.fixture
def live(tmp_path, steps) -> LiveImage:
    """An image of a model with alpha."""
    known = find_model(written(tmp_path / "old"), ModelWishes(), steps)
    return LiveImage("iris:1", image_of(known, ALPHA))


def test_a_model_of_the_same_environment_fits_without_locking(live, steps, locksmith, tmp_path):
    """The captured environment is compared first: no index is asked."""
    model = written(tmp_path / "new")

    swapped = swap_model(SwapRequest(model=model), live, steps, layer_of)

    assert locksmith.asked == []
    assert isinstance(swapped, Image)
    assert swapped.layers[:-1] == live.images[0].layers[:-1]
    assert swapped.config.labels["ai.lading.model.uri"] == "file:new"


def test_a_model_of_an_environment_with_the_same_lock_fits(live, steps, locksmith, tmp_path):
    """Other requirements may come to the same files."""
    model = written(tmp_path / "new", "alpha>=1.0")

    swap_model(SwapRequest(model=model), live, steps, layer_of)

    assert len(locksmith.asked) == 1


def test_all_packages_that_differ_are_named(steps, tmp_path):
    """Those that the image has in another version, has not, and has besides."""
    known = find_model(written(tmp_path / "old", "beta==2.0"), ModelWishes(), steps)
    live = LiveImage("iris:1", image_of(known))

    with pytest.raises(UnfitModel, match=r"file:new is not the image's.*alpha 0.9 → 1.0, beta 2.0 → none"):
        swap_model(SwapRequest(model=written(tmp_path / "new")), live, steps, layer_of)


@pytest.mark.parametrize("is_allowed", [True, False])
def test_another_signature_needs_permission(live, steps, tmp_path, is_allowed):
    """Clients of the old model may have to ask in another way."""
    signature = """signature: {inputs: '[{"type": "double", "name": "x"}]'}\n"""
    request = SwapRequest(
        model=written(tmp_path / "new", signature=signature), may_change_signature=is_allowed
    )

    if is_allowed:
        assert swap_model(request, live, steps, layer_of) != live.made
    else:
        with pytest.raises(UnfitModel, match=r"file:new has another signature.*--allow-signature-change"):
            swap_model(request, live, steps, layer_of)


def test_an_index_is_swapped_as_a_whole(live, steps, tmp_path):
    """Each platform's image gets the model; what the index itself says stays."""
    both = replace(live, made=Index((*live.images, *live.images), {"who": "we"}))

    swapped = swap_model(SwapRequest(model=written(tmp_path / "new")), both, steps, layer_of)

    assert isinstance(swapped, Index)
    assert (len(swapped.images), swapped.annotations) == (2, {"who": "we"})


def test_a_strange_image_is_refused_before_a_model_is_fetched(steps, tmp_path):
    """Models may have gigabytes."""
    live = LiveImage("iris:1", images.random_image(1))

    with pytest.raises(InvalidImage, match="no image of Lading"):
        swap_model(SwapRequest(model=LocalModel(tmp_path / "none")), live, steps, layer_of)
