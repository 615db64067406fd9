"""Which MLflow a model's process needs: none, its small distribution, or all of it.

A model's captured requirements nearly always name ``mlflow``, because MLflow's own server runs in the
model's environment. Lading's does not, so MLflow stays only where the model itself imports it, and there
``mlflow-skinny`` is enough: the same code of the same version, without the packages of its servers.
"""

from collections.abc import Iterator
from dataclasses import replace
from enum import StrEnum
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from lading.capture.conda import spec_name
from lading.capture.imports import is_imported
from lading.capture.pickles import is_pickled
from lading.capture.requirement import package_name, parsed, pinned_version
from lading.environment import Environment
from lading.model import Model

_FULL = "mlflow"
_SKINNY = "mlflow-skinny"
_NATIVE_FLAVOURS = {
    "mlflow.catboost": {"catboost"},
    "mlflow.keras": {"keras"},
    "mlflow.lightgbm": {"lightgbm"},
    "mlflow.onnx": {"onnx"},
    "mlflow.paddle": {"paddle"},
    "mlflow.pmdarima": {"pmdarima"},
    "mlflow.prophet": {"prophet"},
    "mlflow.pytorch": {"pytorch"},
    "mlflow.sentence_transformers": {"sentence_transformers"},
    "mlflow.sklearn": {"sklearn"},
    "mlflow.spacy": {"spacy"},
    "mlflow.statsmodels": {"statsmodels"},
    "mlflow.tensorflow": {"tensorflow", "keras"},
    "mlflow.xgboost": {"xgboost"},
}
"""Loader modules whose models Lading loads without MLflow, and the flavours of which one says how."""

_FIRST_SKINNY = Version("1.14.0")
_BOUNDS = (
    (Version("2.2.0"), {"numpy": "<2", "pandas": "<2"}),
    (Version("2.16.0"), {"numpy": "<2", "pandas": "<3"}),
    (Version("3.16.0"), {"numpy": "<3", "pandas": "<3"}),
)
"""The numpy and pandas that ``mlflow`` allows in each version below the given one, by its own metadata.
``mlflow-skinny`` asks for neither, though ``mlflow.pyfunc`` imports both."""


class MlflowNeed(StrEnum):
    """How much of MLflow goes into the image."""

    AUTO = "auto"
    """What the model needs, judged by its flavours and code."""

    NONE = "none"
    SKINNY = "skinny"
    FULL = "full"


_DISTRIBUTION = {MlflowNeed.NONE: None, MlflowNeed.SKINNY: _SKINNY, MlflowNeed.FULL: _FULL}
_IMPORTED = {MlflowNeed.NONE: ("pandas",), MlflowNeed.SKINNY: ("numpy", "pandas"), MlflowNeed.FULL: ()}
"""What a model's process imports beside each, and which that does not install itself."""


def with_mlflow(environment: Environment, model: Model, need: MlflowNeed) -> Environment:
    """Return *environment* with the MLflow that *model* needs, and the pandas that its data comes in.

    Requirements other than those of MLflow are never changed; pandas, numpy beside mlflow-skinny, and pyarrow
    for pickles that hold its strings, are added where nothing names them. An MLflow that conda brings stays.
    """
    in_conda = set(map(spec_name, environment.conda.specs)) if environment.conda else set()
    decided = _decide(environment, model) if need is MlflowNeed.AUTO else need
    captured = _captured(environment, model)
    distribution = _DISTRIBUTION[decided]
    is_there = not in_conda.isdisjoint({_FULL, _SKINNY})
    wanted = (_renamed(captured, distribution),) if distribution and not is_there else ()
    others = [text for text in environment.requirements if package_name(text) not in {_FULL, _SKINNY}]
    named = {
        *in_conda,
        *map(package_name, others),
        *(package_name(wheel.requirement) for wheel in environment.wheels),
    }
    bounds = _bounds(_version(captured, model))
    unpickled = ["pyarrow"] if decided is not MlflowNeed.FULL and is_pickled("pyarrow", model.folder) else []
    missing = [name + bounds.get(name, "") for name in [*_IMPORTED[decided], *unpickled] if name not in named]
    return replace(environment, requirements=(*wanted, *others, *missing))


def _decide(environment: Environment, model: Model) -> MlflowNeed:
    if _loads_without_mlflow(model):
        return MlflowNeed.NONE
    captured = _captured(environment, model)
    version = _version(captured, model)
    # Extras name packages that only the full distribution brings, and a direct reference has no skinny twin.
    is_special = captured.name == _FULL and (captured.extras or captured.url)
    is_too_old = version is not None and version < _FIRST_SKINNY
    return MlflowNeed.FULL if is_special or is_too_old else MlflowNeed.SKINNY


def _loads_without_mlflow(model: Model) -> bool:
    if is_imported(_FULL, _sources(model)) or is_pickled(_FULL, model.folder):
        return False
    if model.loader_module in _NATIVE_FLAVOURS:
        return not _NATIVE_FLAVOURS[model.loader_module].isdisjoint(model.flavours)
    return _is_own_module(model)


def _is_own_module(model: Model) -> bool:
    """Return whether the loader module's source is part of the model, so that it could be read."""
    code = _code_folder(model)
    path = Path(*model.loader_module.split("."))
    return code is not None and (
        (code / path).with_suffix(".py").is_file() or (code / path / "__init__.py").is_file()
    )


def _sources(model: Model) -> Iterator[Path]:
    yield from model.folder.glob("*.py")
    code = _code_folder(model)
    if code is not None:
        yield from code.rglob("*.py")


def _code_folder(model: Model) -> Path | None:
    """Return the folder of the model's own code; one outside of the model is none, and is never searched."""
    code = model.flavours["python_function"].get("code")
    path = (model.folder / str(code)).resolve() if code else None
    return path if path is not None and path.is_relative_to(model.folder.resolve()) else None


def _captured(environment: Environment, model: Model) -> Requirement:
    """Return the captured requirement of MLflow; where none was captured, that of the version that logged."""
    requirements = [found for text in environment.requirements if (found := parsed(text))]
    by_name = {found.name.lower(): found for found in reversed(requirements)}
    found = by_name.get(_FULL) or by_name.get(_SKINNY)
    if found is None:
        found = Requirement(f"{_FULL}=={model.mlflow_version}" if model.mlflow_version else _FULL)
    if not found.specifier and not found.url:
        found.specifier = _constrained(environment)
    return found


def _constrained(environment: Environment) -> SpecifierSet:
    constraints = [found for text in environment.constraints if (found := parsed(text))]
    return next((found.specifier for found in constraints if found.name.lower() == _FULL), SpecifierSet())


def _renamed(captured: Requirement, name: str) -> str:
    """Return the captured requirement for one of MLflow's distributions, without hashes of other files."""
    if captured.name.lower() == name:
        return str(captured)
    changed = Requirement(str(captured))
    changed.name = name
    changed.url = None
    return str(changed)


def _version(captured: Requirement, model: Model) -> Version | None:
    try:
        return pinned_version(str(captured)) or (
            Version(model.mlflow_version) if model.mlflow_version else None
        )
    except InvalidVersion:
        return None


def _bounds(version: Version | None) -> dict[str, str]:
    if version is None:
        return {}
    return next((bounds for below, bounds in _BOUNDS if version < below), {})
