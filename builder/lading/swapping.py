"""The story of `lading swap-model`: another model in a finished image, and nothing else is moved.

The image's labels say which Python, environment and signature its model has. A model that was captured in
the same environment fits, which takes no lock, no wheel and no base to tell; of any other, the lock decides.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from lading.build import FoundModel, ModelWishes, Steps, find_model
from lading.digest import Digest
from lading.engines.oci.parts import packages_of, parts_of
from lading.engines.oci.swap import Told, with_model
from lading.environment import PythonMinor
from lading.errors import UnfitModel
from lading.labels import CAPTURED_LABEL, LOCK_LABEL, PYTHON_LABEL, SIGNATURE_LABEL, model_labels, public_uri
from lading.layer import FolderLayer
from lading.live import LiveImage
from lading.lock import Lock
from lading.oci.image import Image, Index, Layer
from lading.plan import model_env
from lading.reference import ModelRef

_NEW_IMAGE = "build-image makes a new image of it"


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapRequest:
    """What the user wants in an image."""

    model: ModelRef
    wishes: ModelWishes = field(default_factory=ModelWishes)

    may_change_signature: bool = False
    """Whether requests that the old model answers may be refused by the new one."""


def swap_model(
    request: SwapRequest, live: LiveImage, steps: Steps, layer_of: Callable[[FolderLayer], Layer]
) -> Image | Index:
    """Return *live* with the requested model in it; nothing is sent anywhere.

    Args:
        request: what is wanted.
        live: the image.
        steps: fetch the model, and lock its environment where only that can tell whether it fits.
        layer_of: makes the layer of the model's folder.

    Raises:
        InvalidImage: *live* does not say which layers are the model's.
        UnfitModel: it needs another Python or environment, or is asked in another way; says what differs.
        LadingError: the model cannot be had or read.
    """
    for image in live.images:
        parts_of(image, live.name)
    with steps.progress.step("fetch the model"):
        found = find_model(request.model, request.wishes, steps)
    with steps.progress.step("compare the environments"):
        for image in live.images:
            _require_fit(request, found, image, steps)
    with steps.progress.step("model layer"):
        layer = layer_of(found.planned.layer)
    told = Told(model_labels(found.planned), model_env(found.planned.resolved))
    return live.changed(lambda image: with_model(image, live.name, layer, told))


def _require_fit(request: SwapRequest, found: FoundModel, image: Image, steps: Steps) -> None:
    """Do nothing where the model runs in *image*.

    Raises:
        UnfitModel: it does not; says why not.
    """
    labels, model = image.config.labels, public_uri(request.model)
    _require_python(model, found.environment.python, labels)
    if labels.get(CAPTURED_LABEL) != str(found.planned.captured):
        lock = steps.locker.lock(found.environment, image.config.platform)
        _require_lock(model, lock, image)
    if not request.may_change_signature:
        _require_signature(model, found.planned.model.signature, labels)


def _require_python(model: str, python: PythonMinor, labels: Mapping[str, str]) -> None:
    if labels.get(PYTHON_LABEL) != str(python):
        raise UnfitModel(
            f"{model} needs Python {python}, the image has {labels.get(PYTHON_LABEL)}", hint=_NEW_IMAGE
        )


def _require_lock(model: str, lock: Lock, image: Image) -> None:
    if image.config.labels.get(LOCK_LABEL) == str(lock.digest):
        return
    wanted = {package.name: package.version for package in lock.packages if package.version}
    differences = _differences(packages_of(parts_of(image, model)), wanted)
    reason = f"other packages: {differences}" if differences else "the same versions from other files"
    raise UnfitModel(f"the environment of {model} is not the image's: {reason}", hint=_NEW_IMAGE)


def _differences(has: Mapping[str, str], wanted: Mapping[str, str]) -> str:
    """Return in words which packages are not the same."""
    names = sorted(name for name in has.keys() | wanted.keys() if has.get(name) != wanted.get(name))
    return ", ".join(f"{name} {has.get(name, 'none')} → {wanted.get(name, 'none')}" for name in names)


def _require_signature(model: str, signature: Digest | None, labels: Mapping[str, str]) -> None:
    if labels.get(SIGNATURE_LABEL) != (str(signature) if signature else None):
        raise UnfitModel(
            f"{model} has another signature than the image's model: clients may have to ask in another way",
            hint="give --allow-signature-change if they can",
        )
