"""A model's captured environment, from whichever of MLflow's files say it.

MLflow 1.26 and later write ``python_env.yaml`` and ``requirements.txt`` beside ``conda.yaml``. The three say
the same unless somebody logged the model with packages of conda (``conda_env=``): those stand in
``conda.yaml`` alone. Where there are any beside Python and the tools that build packages (pip, setuptools,
wheel), conda's channels are used, because the environment would lack them otherwise; where there are none,
pip's files say it all. Older models have ``conda.yaml`` alone, and the same rule holds. `Manager` is for who
wants it otherwise; MLflow uses conda only where it is told to.
"""

import logging
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import reduce
from pathlib import Path

from lading.capture.conda import CondaEnv, read_conda_env
from lading.capture.options import Options
from lading.capture.python_env import read_python_env
from lading.capture.requirement import package_name, pinned_version
from lading.capture.requirement_files import Constrained, Entry, Required, RequirementFiles
from lading.environment import CondaSpecs, Environment, LocalWheel, PackageIndex, PythonMinor
from lading.errors import InvalidEnvironment
from lading.model import Model

_CONDA_ENV = "conda.yaml"
_PYTHON_ENV = "python_env.yaml"
_REQUIREMENTS = "requirements.txt"

logger = logging.getLogger(__name__)


class Manager(StrEnum):
    """What an environment is made with."""

    AUTO = "auto"
    """Conda where ``conda.yaml`` names packages that pip has not got, else pip."""

    CONDA = "conda"
    """All that ``conda.yaml`` says, Python included, from conda's channels."""

    VIRTUALENV = "virtualenv"
    """Pip's packages only; what ``conda.yaml`` asks of conda is left out, as by MLflow without conda."""


@dataclass(frozen=True, slots=True)
class _Written:
    """What one of MLflow's files says, whichever it was."""

    file: str
    python: str | None
    lines: tuple[str, ...]
    build_tools: tuple[str, ...]
    conda: CondaSpecs | None = None


def capture(
    model: Model, manager: Manager = Manager.AUTO, *, variables: Mapping[str, str] = os.environ
) -> Environment:
    """Return the environment that *model* was logged with.

    Args:
        model: whose folder is read.
        manager: what it will be made with.
        variables: for ``${NAME}`` in requirement lines.

    Raises:
        InvalidEnvironment: files are missing or broken, or ask for what pip
            cannot install; names file and line.
    """
    folder = model.folder.resolve()
    written = _from_conda(model, folder, manager) or _written(model, folder)
    files = RequirementFiles(folder, variables)
    entries = tuple(files.read_lines("\n".join(written.lines), written.file))
    return Environment(
        python=_python(model, folder, written),
        requirements=_with_build_tools(_texts(entries, Required), written.build_tools),
        constraints=_texts(entries, Constrained),
        index=_index(entries),
        wheels=tuple(entry for entry in entries if isinstance(entry, LocalWheel)),
        conda=written.conda,
    )


def _from_conda(model: Model, folder: Path, manager: Manager) -> _Written | None:
    """Return what ``conda.yaml`` says; None where conda is not used."""
    if manager is Manager.VIRTUALENV:
        return None
    file = _env_file(model, folder, "conda", _CONDA_ENV)
    if file is None and manager is Manager.CONDA:
        raise InvalidEnvironment(f"{model.folder} has no {_CONDA_ENV}", hint="use --env-manager virtualenv")
    conda = _with_packages(folder / file, manager) if file else None
    if file is None or conda is None:
        return None
    python, specs = conda.python, conda.specs
    if python is None or conda.is_ranged:  # a model's pickles want the Python that wrote them
        python = _trained_with(model) or python
        specs = (f"python={PythonMinor.parse(python)}", *specs) if python else specs
    if python is None:
        raise InvalidEnvironment(
            f"{model.folder} does not say which Python it needs", hint=f"add it to {file}, like python=3.11.7"
        )
    return _Written(file, python, conda.pip, (), CondaSpecs(conda.channels, specs))


def _with_packages(path: Path, manager: Manager) -> CondaEnv | None:
    """Return what *path* says where conda is asked for; a file that nobody reads may be broken."""
    try:
        conda = read_conda_env(path)
    except InvalidEnvironment:
        if manager is Manager.CONDA:
            raise
        return None
    return conda if conda.packages or manager is Manager.CONDA else None


def _trained_with(model: Model) -> str | None:
    version = model.flavours["python_function"].get("python_version")
    return None if version is None else str(version)


def _written(model: Model, folder: Path) -> _Written:
    python_env = _env_file(model, folder, "virtualenv", _PYTHON_ENV)
    if python_env is not None:
        env = read_python_env(folder / python_env)
        _warn_of_conda_packages(model, folder)
        return _Written(python_env, env.python, env.dependencies, env.build_dependencies)
    conda_env = _env_file(model, folder, "conda", _CONDA_ENV)
    conda = read_conda_env(folder / conda_env) if conda_env else None
    if (folder / _REQUIREMENTS).is_file():
        conda = conda or CondaEnv()
        return _Written("MLmodel", conda.python, (f"-r {_REQUIREMENTS}",), conda.build_dependencies)
    if conda_env is None or conda is None:
        raise InvalidEnvironment(
            f"{model.folder} has neither {_PYTHON_ENV} nor {_REQUIREMENTS} nor {_CONDA_ENV}",
            hint="log the model again with pip_requirements",
        )
    _warn_of_conda_packages(model, folder)
    return _Written(conda_env, conda.python, conda.pip, conda.build_dependencies)


def _env_file(model: Model, folder: Path, manager: str, usual: str) -> str | None:
    """Return the file that ``MLmodel`` names for *manager*, or the one that usually stands there, if it does.

    ``flavors.python_function.env`` is a mapping since MLflow 2.0; before, the name of the conda file.
    """
    env = model.flavours["python_function"].get("env")
    name = env.get(manager) if isinstance(env, Mapping) else env if manager == "conda" else None
    if name is None:
        return usual if (folder / usual).is_file() else None
    path = (folder / str(name)).resolve()
    if not path.is_relative_to(folder) or not path.is_file():
        raise InvalidEnvironment(
            f"{folder / 'MLmodel'}: key 'flavors.python_function.env' names {name!r}, "
            "which is not in the model folder"
        )
    return path.relative_to(folder).as_posix()


def _warn_of_conda_packages(model: Model, folder: Path) -> None:
    """Tell which conda packages are left out, as MLflow leaves them out without conda."""
    file = _env_file(model, folder, "conda", _CONDA_ENV)
    conda = _with_packages(folder / file, Manager.AUTO) if file else None
    if conda is not None:
        logger.warning("conda packages are left out", extra={"packages": conda.packages, "file": file})


def _python(model: Model, folder: Path, written: _Written) -> PythonMinor:
    """Return the Python that the model was trained with, from the first file that says it."""
    conda = _env_file(model, folder, "conda", _CONDA_ENV) if written.python is None else None
    in_conda = read_conda_env(folder / conda).python if conda else None
    version = written.python or in_conda or _trained_with(model)
    if version is None:
        raise InvalidEnvironment(
            f"{model.folder} does not say which Python it needs", hint=f"add it to {_PYTHON_ENV}"
        )
    return PythonMinor.parse(version)


def _texts(entries: Iterable[Entry], kind: type[Required | Constrained]) -> tuple[str, ...]:
    """Return each requirement of one kind once, in the order in which they were first written."""
    return tuple(dict.fromkeys(entry.text for entry in entries if isinstance(entry, kind)))


def _with_build_tools(requirements: tuple[str, ...], build_tools: Iterable[str]) -> tuple[str, ...]:
    """Return *requirements* with the pip and the setuptools that the model was trained beside.

    MLflow leaves both out of requirements.txt because its environments have them anyway. Pip is how people
    look into an environment. Packages import setuptools' ``pkg_resources`` while a model loads
    (``mlflow.utils.requirements_utils._infer_requirements``); without a pin it says nothing, as the newest
    setuptools has no ``pkg_resources``.
    """
    required = set(map(package_name, requirements))
    wanted = [
        tool
        for tool in build_tools
        if package_name(tool) == "pip" or (package_name(tool) == "setuptools" and pinned_version(tool))
    ]
    return (*requirements, *(tool for tool in wanted if package_name(tool) not in required))


def _index(entries: Iterable[Entry]) -> PackageIndex:
    return reduce(_joined, (entry for entry in entries if isinstance(entry, Options)), PackageIndex())


def _joined(index: PackageIndex, options: Options) -> PackageIndex:
    """Return *index* with what one more line asks for; the last ``--index-url`` wins, as in pip."""
    return PackageIndex(
        index_url=options.index_url or index.index_url,
        extra_index_urls=(*index.extra_index_urls, *options.extra_index_urls),
        find_links=(*index.find_links, *options.find_links),
        uses_index=index.uses_index and options.uses_index,
        trusted_hosts=(*index.trusted_hosts, *options.trusted_hosts),
        allows_prereleases=index.allows_prereleases or options.allows_prereleases,
        no_binary=(*index.no_binary, *options.no_binary),
        only_binary=(*index.only_binary, *options.only_binary),
    )
