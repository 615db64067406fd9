"""A model's captured environment, from whichever of MLflow's files say it.

MLflow 1.26 and later write ``python_env.yaml`` and ``requirements.txt`` beside ``conda.yaml``, and install
from them unless conda is asked for; so does Lading. Older models have ``conda.yaml`` alone.
"""

import logging
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import reduce
from pathlib import Path

from lading.capture.conda import CondaEnv, read_conda_env
from lading.capture.options import Options
from lading.capture.python_env import read_python_env
from lading.capture.requirement import package_name, pinned_version
from lading.capture.requirement_files import Constrained, Entry, Required, RequirementFiles
from lading.environment import Environment, LocalWheel, PackageIndex, PythonMinor
from lading.errors import InvalidEnvironment
from lading.model import Model

_CONDA_ENV = "conda.yaml"
_PYTHON_ENV = "python_env.yaml"
_REQUIREMENTS = "requirements.txt"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Written:
    """What one of MLflow's files says, whichever it was."""

    file: str
    python: str | None
    lines: tuple[str, ...]
    build_tools: tuple[str, ...]


def capture(model: Model, *, variables: Mapping[str, str] = os.environ) -> Environment:
    """Return the environment that *model* was logged with.

    Args:
        model: whose folder is read.
        variables: for ``${NAME}`` in requirement lines.

    Raises:
        InvalidEnvironment: files are missing or broken, or ask for what pip
            cannot install; names file and line.
    """
    folder = model.folder.resolve()
    written = _written(model, folder)
    files = RequirementFiles(folder, variables)
    entries = tuple(files.read_lines("\n".join(written.lines), written.file))
    return Environment(
        python=_python(model, folder, written),
        requirements=_with_setuptools(_texts(entries, Required), written.build_tools),
        constraints=_texts(entries, Constrained),
        index=_index(entries),
        wheels=tuple(entry for entry in entries if isinstance(entry, LocalWheel)),
    )


def _written(model: Model, folder: Path) -> _Written:
    python_env = _env_file(model, folder, "virtualenv", _PYTHON_ENV)
    if python_env is not None:
        env = read_python_env(folder / python_env)
        _warn_of_conda_packages(model, folder)
        return _Written(python_env, env.python, env.dependencies, env.build_dependencies)
    conda_env = _env_file(model, folder, "conda", _CONDA_ENV)
    conda = read_conda_env(folder / conda_env) if conda_env else None
    if (folder / _REQUIREMENTS).is_file():
        conda = conda or CondaEnv(python=None, packages=(), pip=(), build_dependencies=())
        return _Written("MLmodel", conda.python, (f"-r {_REQUIREMENTS}",), conda.build_dependencies)
    if conda_env is None or conda is None:
        raise InvalidEnvironment(
            f"{model.folder} has neither {_PYTHON_ENV} nor {_REQUIREMENTS} nor {_CONDA_ENV}",
            hint="log the model again with pip_requirements",
        )
    _refuse_conda_packages(model, conda_env, conda)
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
    with suppress(InvalidEnvironment):
        file = _env_file(model, folder, "conda", _CONDA_ENV)
        packages = read_conda_env(folder / file).packages if file else ()
        if packages:
            logger.warning("conda packages are left out", extra={"packages": packages, "file": file})


def _refuse_conda_packages(model: Model, file: str, conda: CondaEnv) -> None:
    if conda.packages:
        names = ", ".join(conda.packages)
        raise InvalidEnvironment(
            f"{model.folder / file} asks conda for {names}, and conda packages are not supported yet",
            hint="log the model again with pip_requirements",
        )


def _python(model: Model, folder: Path, written: _Written) -> PythonMinor:
    """Return the Python that the model was trained with, from the first file that says it."""
    conda = _env_file(model, folder, "conda", _CONDA_ENV) if written.python is None else None
    pyfunc = model.flavours["python_function"].get("python_version")
    version = written.python or (read_conda_env(folder / conda).python if conda else None) or pyfunc
    if version is None:
        raise InvalidEnvironment(
            f"{model.folder} does not say which Python it needs", hint=f"add it to {_PYTHON_ENV}"
        )
    return PythonMinor.parse(str(version))


def _texts(entries: Iterable[Entry], kind: type[Required | Constrained]) -> tuple[str, ...]:
    """Return each requirement of one kind once, in the order in which they were first written."""
    return tuple(dict.fromkeys(entry.text for entry in entries if isinstance(entry, kind)))


def _with_setuptools(requirements: tuple[str, ...], build_tools: Iterable[str]) -> tuple[str, ...]:
    """Return *requirements* with the setuptools that the model was trained beside.

    MLflow leaves setuptools out of requirements.txt because its environments have it anyway, though packages
    import ``pkg_resources`` while a model loads (``mlflow.utils.requirements_utils._infer_requirements``).
    Without a pin it says nothing: the newest setuptools has no ``pkg_resources``.
    """
    if "setuptools" in map(package_name, requirements):
        return requirements
    pinned = [tool for tool in build_tools if package_name(tool) == "setuptools" and pinned_version(tool)]
    return (*requirements, *pinned)


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
