"""Which of MLflow's files count, and what they make."""

import pytest
from lading.capture.environment import Manager, capture
from lading.capture.mlmodel import read_model
from lading.environment import CondaSpecs, PythonMinor
from lading.errors import InvalidEnvironment


def test_what_mlflow_writes_is_captured(conformance):
    """Every model of the conformance suite has Python 3.11 and at least its MLflow."""
    for folder in sorted(path for path in conformance.models.iterdir() if path.is_dir()):
        environment = capture(read_model(folder))

        assert environment.python == PythonMinor(3, 11)
        assert "mlflow==3.17.2" in environment.requirements


def test_requirements_of_the_python_env_file_itself_count(folder):
    """``python_env.yaml`` may list packages beside, or instead of, ``-r requirements.txt``."""
    folder.file("python_env.yaml", "python: '3.9'\ndependencies: [a==1, -r requirements.txt, b]\n")

    found = folder.requires("c")

    assert found.python == PythonMinor(3, 9)
    assert found.requirements == ("a==1", "c", "b")


def test_a_python_version_is_text(folder):
    """``python: 3.10`` without quotes is 3.10, although YAML calls it the number 3.1."""
    folder.file("python_env.yaml", "python: 3.10\ndependencies: []\n")

    assert folder.requires().python == PythonMinor(3, 10)


def test_conda_is_used_where_conda_has_packages(folder):
    """A model whose ``conda.yaml`` names more than Python and build tools gets all of it from conda."""
    folder.file(
        "conda.yaml",
        "channels: [conda-forge, https://u:p@h/c]\n"
        "dependencies: [python=3.8.2, libgdal>=3, pip<=22, {pip: [x, '--extra-index-url https://h/simple']}]",
    )

    found = folder.requires("a")

    assert found.conda == CondaSpecs(
        ("conda-forge", "https://u:p@h/c"), ("python=3.8.2", "libgdal>=3", "pip<=22")
    )
    assert (found.python, found.requirements) == (PythonMinor(3, 8), ("x",))
    assert found.index.extra_index_urls == ("https://h/simple",)


def test_conda_packages_are_left_out_on_request(folder, caplog):
    """``virtualenv`` takes pip's packages only, as MLflow does by default; the log tells what conda had."""
    folder.file("conda.yaml", "dependencies: [python=3.8, libgcc=9, pip, {pip: [x]}]")
    folder.file("requirements.txt", "a")

    found = capture(folder.model, Manager.VIRTUALENV)

    assert (found.requirements, found.conda) == (("a",), None)
    assert "conda packages are left out" in caplog.text


def test_conda_is_used_on_request(folder):
    """``conda`` takes even a plain environment from conda's channels, its Python too."""
    folder.file("conda.yaml", "dependencies: [python=3.8, pip, {pip: [x]}]")
    folder.file("requirements.txt", "a")

    assert capture(folder.model).conda is None
    assert capture(folder.model, Manager.CONDA).conda == CondaSpecs((), ("python=3.8", "pip"))


def test_conda_on_request_needs_its_file(empty):
    """Without ``conda.yaml`` there is nothing to ask conda for."""
    empty.file("MLmodel", "flavors: {python_function: {loader_module: x}}").file("requirements.txt", "a")

    with pytest.raises(InvalidEnvironment, match=r"has no conda\.yaml"):
        capture(empty.model, Manager.CONDA)


@pytest.mark.parametrize("python", ["", "python>=3.7,", "python ~=3.7,"])
def test_conda_gets_the_python_that_trained_the_model(empty, python):
    """Where ``conda.yaml`` leaves Python open, the one that the flavour names is asked for besides."""
    empty.file("MLmodel", "flavors: {python_function: {loader_module: x, python_version: 3.12.1}}")
    empty.file("conda.yaml", f"dependencies: [{python} r-base, pip]")

    found = capture(empty.model)

    assert found.conda is not None
    assert (found.python, found.conda.specs[0]) == (PythonMinor(3, 12), "python=3.12")


@pytest.mark.parametrize("env", ["conda.yaml", "{conda: conda.yaml, virtualenv: null}"])
def test_an_older_model_has_conda_only(empty, env):
    """Before MLflow 1.26 there is ``conda.yaml`` alone, and before 2.0 its name is plain text."""
    empty.file("MLmodel", f"flavors: {{python_function: {{loader_module: x, env: {env}}}}}")
    empty.file(
        "conda.yaml",
        "dependencies:\n- python=3.8.13\n- pip<=22\n- setuptools=65.5.0=py38\n"
        "- pip:\n  - mlflow==1.20\n  - --extra-index-url https://h/simple\n",
    )

    found = capture(empty.model)

    assert found.python == PythonMinor(3, 8)
    assert found.requirements == ("mlflow==1.20", "pip", "setuptools==65.5.0")
    assert found.index.extra_index_urls == ("https://h/simple",)


@pytest.mark.parametrize(
    "spec",
    [
        "python=3.9.7",
        "python==3.9",
        "python>=3.9",
        "conda-forge::python=3.9.7=h1_0",
        "python=3.9.*",
        "python 3.9.7 h1_0",
    ],
)
def test_the_python_of_conda_is_read_in_every_way_of_writing(empty, spec):
    """Conda's specifications of Python give a minor version."""
    empty.file("MLmodel", "flavors: {python_function: {loader_module: x}}")
    empty.file("conda.yaml", f"dependencies: ['{spec}', pip, {{pip: [a]}}]")

    assert capture(empty.model).python == PythonMinor(3, 9)


def test_packages_that_only_conda_has_can_be_left_out(empty, caplog):
    """A model with ``conda.yaml`` alone gives its pip part to who wants no conda."""
    empty.file("MLmodel", "flavors: {python_function: {loader_module: x}}")
    empty.file("conda.yaml", "dependencies: [python=3.9, nodefaults::libgdal=3, r-base, {pip: [a]}]")

    assert capture(empty.model, Manager.VIRTUALENV).requirements == ("a",)
    assert "conda packages are left out" in caplog.text


def test_the_pinned_setuptools_comes_along(folder):
    """MLflow leaves setuptools out of requirements because its environments have it; packages import it."""
    folder.file(
        "python_env.yaml",
        "python: 3.11.7\nbuild_dependencies: [setuptools==65.5.0]\ndependencies: [-r requirements.txt]",
    )

    assert folder.requires("a").requirements == ("a", "setuptools==65.5.0")
    assert folder.requires("Setuptools<60").requirements == ("Setuptools<60",)


def test_the_flavour_knows_python_as_a_last_resort(folder):
    """Where no file says which Python, the flavour does."""
    folder.file("python_env.yaml", "dependencies: [a]\n").file("conda.yaml", "dependencies: []")

    assert folder.requires().python == PythonMinor(3, 10)


def test_requirements_alone_are_enough(empty):
    """A folder with ``requirements.txt`` and a Python version has an environment."""
    empty.file("MLmodel", "flavors: {python_function: {loader_module: x, python_version: 3.12.1}}")

    found = empty.requires("a")

    assert (found.python, found.requirements) == (PythonMinor(3, 12), ("a",))


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "has neither python_env.yaml nor requirements.txt nor conda.yaml"),
        ({"requirements.txt": "a"}, "does not say which Python it needs"),
        ({"python_env.yaml": "python: [3]"}, "key 'python' must be a version"),
        ({"python_env.yaml": "python: new"}, "not a Python version: 'new'"),
        ({"python_env.yaml": "dependencies: a"}, "key 'dependencies' must be a list of requirements"),
        ({"python_env.yaml": "dependencies: [{a: b}]"}, "key 'dependencies' must be a list of requirements"),
        (
            {"python_env.yaml": "python: 3.9\ndependencies: [-e x]"},
            "python_env.yaml, requirement 1: an editable",
        ),
        ({"conda.yaml": "dependencies: a"}, "key 'dependencies' must be a list"),
        ({"conda.yaml": "channels: [{a: b}]"}, "key 'channels' must be a list of names and URLs"),
        ({"conda.yaml": "dependencies: [r-base, {pip: [a]}]"}, "does not say which Python it needs"),
        ({"conda.yaml": "dependencies: [python, {pip: [a]}]"}, "python must be pinned"),
        ({"conda.yaml": "dependencies: ['python<3.9', {pip: [a]}]"}, "python must be pinned"),
        (
            {"conda.yaml": "dependencies: [python=3.9, {conda: [a]}]"},
            "may hold package names and one list 'pip'",
        ),
        ({"conda.yaml": "dependencies: [python=3.9, '!']"}, "has '!', which names no package"),
        (
            {"conda.yaml": "dependencies: [python=3.9, {pip: [-e x]}]"},
            "conda.yaml, requirement 1: an editable",
        ),
    ],
)
def test_missing_and_broken_files_are_named(empty, files, message):
    """Whatever is wrong with the captured environment, the error says where."""
    empty.file("MLmodel", "flavors: {python_function: {loader_module: x}}")
    for name, content in files.items():
        empty.file(name, content)

    with pytest.raises(InvalidEnvironment) as raised:
        capture(empty.model)

    assert message in str(raised.value)


@pytest.mark.parametrize("name", ["../conda.yaml", "/etc/hostname", "none.yaml"])
def test_environment_files_are_inside_the_model(empty, name):
    """``MLmodel`` cannot name an environment file elsewhere."""
    empty.file("MLmodel", f"flavors: {{python_function: {{loader_module: x, env: {name}}}}}")
    (empty.path.parent / "conda.yaml").write_text("dependencies: []")

    with pytest.raises(InvalidEnvironment, match="which is not in the model folder"):
        capture(empty.model)


def test_wheels_of_a_wheeled_model_are_found(folder):
    """``WheeledModel`` lists wheels below ``wheels/`` in requirements.txt."""
    folder.file("wheels/a-1-py3-none-any.whl").file("original_requirements.txt", "a==1")

    found = folder.requires("mlflow==2.9.2", "wheels/a-1-py3-none-any.whl")

    assert found.requirements == ("mlflow==2.9.2",)
    assert [wheel.requirement for wheel in found.wheels] == ["a==1"]


def test_pip_comes_along_as_it_was_captured(folder):
    """MLflow's environments have pip, though no requirement names it; people look into images with it."""
    folder.file(
        "python_env.yaml",
        "python: 3.11.7\nbuild_dependencies: [pip==23.2.1, wheel]\ndependencies: [-r requirements.txt]",
    )

    assert folder.requires("a").requirements == ("a", "pip==23.2.1")
    assert folder.requires("pip==24.0").requirements == ("pip==24.0",)
