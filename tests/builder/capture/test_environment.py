"""Which of MLflow's files count, and what they make."""

import pytest
from lading.capture.environment import capture
from lading.capture.mlmodel import read_model
from lading.environment import PythonMinor
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


def test_conda_packages_are_left_out_where_pip_suffices(folder, caplog):
    """A model with ``requirements.txt`` needs no conda, as in MLflow; what conda had is told in the log."""
    folder.file("conda.yaml", "dependencies: [python=3.8, libgcc=9, pip, {pip: [x]}]")

    assert folder.requires("a").requirements == ("a",)
    assert "conda packages are left out" in caplog.text


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
    assert found.requirements == ("mlflow==1.20", "setuptools==65.5.0")
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


def test_packages_that_only_conda_has_are_not_supported_yet(empty):
    """A model that lives by conda alone is refused with the packages' names."""
    empty.file("MLmodel", "flavors: {python_function: {loader_module: x}}")
    empty.file("conda.yaml", "dependencies: [python=3.9, nodefaults::libgdal=3, r-base, {pip: [a]}]")

    with pytest.raises(InvalidEnvironment, match=r"asks conda for libgdal, r-base, and .* not supported yet"):
        capture(empty.model)


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
