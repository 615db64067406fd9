"""Which MLflow an image gets."""

import pytest
from lading.capture.environment import capture
from lading.capture.mlflow_need import MlflowNeed, with_mlflow
from lading.capture.mlmodel import read_model

PYFUNC = """\
flavors: {{python_function: {{loader_module: {}, code: code, python_version: 3.11.7}}}}
mlflow_version: 2.9.2
"""
AUTO, NONE, SKINNY, FULL = MlflowNeed


def requirements(folder, *lines, need=AUTO):
    """Return the requirements of a model with these captured lines."""
    return with_mlflow(folder.requires(*lines), folder.model, need).requirements


@pytest.fixture
def pyfunc(empty):
    """A model of MLflow's own pyfunc."""
    return empty.file("MLmodel", PYFUNC.format("mlflow.pyfunc.model"))


@pytest.fixture
def custom(empty):
    """A model that its own module loads."""
    return empty.file("MLmodel", PYFUNC.format("my.loader")).file("code/my/loader.py", "import numpy\n")


def test_the_conformance_models_get_what_they_need(conformance):
    """scikit-learn and an own loader need no MLflow, all others its small distribution of that version."""
    needs = {}
    for folder in sorted(path for path in conformance.models.iterdir() if path.is_dir()):
        model = read_model(folder)
        found = with_mlflow(capture(model), model, AUTO).requirements
        needs[folder.name] = [text for text in found if text.startswith("mlflow")]
        assert any(text.startswith("pandas") for text in found)

    native = {name for name, need in needs.items() if not need}
    assert native == {name for name in needs if name.startswith("sklearn")} | {"iris", "custom_loader"}
    assert all(need == ["mlflow-skinny==3.17.2"] for name, need in needs.items() if name not in native)


def test_scikit_learn_models_get_pandas_for_their_data(folder):
    """The captured ``mlflow`` would have brought pandas, so it is added, below what that MLflow allowed."""
    assert requirements(folder, "mlflow==2.9.2", "scikit-learn==1.3.0") == ("scikit-learn==1.3.0", "pandas<3")
    assert requirements(folder, "mlflow==1.30.0", "scikit-learn==1.0") == ("scikit-learn==1.0", "pandas<2")
    assert requirements(folder, "mlflow==3.17.2", "scikit-learn==1.9") == ("scikit-learn==1.9", "pandas")


def test_what_conda_brings_is_not_added_again(folder, pyfunc):
    """An MLflow, a pandas or a numpy among conda's packages stays, and pip gets none."""
    both = "channels: [c]\ndependencies: [python=3.10, 'c::mlflow=2.9', pandas, r-base, {pip: [x]}]"
    pandas = "channels: [c]\ndependencies: [python=3.10, pandas, numpy, {pip: [x, mlflow==2.9.2]}]"

    pyfunc.file("conda.yaml", both)
    assert with_mlflow(capture(pyfunc.model), pyfunc.model, AUTO).requirements == ("x", "numpy<2")
    pyfunc.file("conda.yaml", pandas)
    found = with_mlflow(capture(pyfunc.model), pyfunc.model, AUTO)
    assert found.requirements == ("mlflow-skinny==2.9.2", "x")


def test_a_models_own_pins_are_never_touched(folder):
    """Pandas that the model names stays, in whatever way it names it."""
    assert requirements(folder, "mlflow==2.9.2", "Pandas==1.5.3") == ("Pandas==1.5.3",)
    assert requirements(folder, "pandas @ https://h/p.zip") == ("pandas @ https://h/p.zip",)
    folder.file("code/pandas-1.0-py3-none-any.whl")
    assert requirements(folder, "code/pandas-1.0-py3-none-any.whl") == ()


@pytest.mark.parametrize(
    "source",
    [
        "import mlflow",
        "import os, mlflow.pyfunc as p",
        "from mlflow.tracking import MlflowClient",
        "def f():\n    from mlflow import log_metric\n",
        "import importlib\nimportlib.import_module('mlflow.pyfunc')",
        "__import__('mlflow')",
        "this is no Python",
    ],
)
def test_code_that_imports_mlflow_keeps_it(folder, custom, source):
    """Code is read for imports of MLflow, wherever they stand; unreadable code may import anything."""
    folder.file(
        "MLmodel", folder.path.joinpath("MLmodel").read_text().replace("env:", "code: code\n    env:")
    )
    for model in (folder, custom):
        model.file("code/deep/helper.py", source)
        assert requirements(model, "mlflow==2.9.2")[0] == "mlflow-skinny==2.9.2"


def test_a_loader_of_its_own_needs_no_mlflow(custom):
    """A ``loader_module`` in the model's code that imports no MLflow is loaded without it."""
    custom.file("code/my/other.py", "from . import mlflow\nfrom .mlflow import x\nimport mlflow_like\n")

    assert requirements(custom, "mlflow==2.9.2", "numpy==1.26") == ("numpy==1.26", "pandas<3")


def test_a_loader_that_cannot_be_read_keeps_mlflow(custom):
    """A loader that comes from an installed package may import MLflow."""
    custom.file("MLmodel", PYFUNC.format("installed.loader"))

    assert requirements(custom, "mlflow==2.9.2")[0] == "mlflow-skinny==2.9.2"


def test_other_models_get_the_small_distribution_and_what_it_imports(pyfunc):
    """``mlflow-skinny`` of the captured version, with numpy and pandas that this version works with."""
    assert requirements(pyfunc, "mlflow==2.9.2", "a") == ("mlflow-skinny==2.9.2", "a", "numpy<2", "pandas<3")
    assert requirements(pyfunc, "mlflow==3.8.0", "numpy==2.1", "pandas==2.2") == (
        "mlflow-skinny==3.8.0",
        "numpy==2.1",
        "pandas==2.2",
    )


@pytest.mark.parametrize(
    ("captured", "wanted"),
    [
        ("mlflow<3,>=2.3", "mlflow-skinny<3,>=2.3"),
        ("mlflow==2.9.2; python_version > '3'", 'mlflow-skinny==2.9.2; python_version > "3"'),
        ("mlflow-skinny==2.8.0", "mlflow-skinny==2.8.0"),
        ("mlflow[langchain]==2.9.2", "mlflow[langchain]==2.9.2"),
        ("mlflow @ git+https://h/mlflow@main", "mlflow @ git+https://h/mlflow@main"),
        ("mlflow==1.13.1", "mlflow==1.13.1"),
        ("a==1", "mlflow-skinny==2.9.2"),
    ],
)
def test_what_was_captured_decides_the_version(pyfunc, captured, wanted):
    """Ranges and markers stay; extras, sources and versions without a small twin keep all of MLflow."""
    assert requirements(pyfunc, captured)[0] == wanted


def test_a_constraint_counts_where_the_requirement_is_open(pyfunc):
    """``mlflow`` that only a constraints file pins keeps its pin under the new name."""
    pyfunc.file("constraints.txt", "mlflow==2.7.0")

    assert requirements(pyfunc, "mlflow", "-c constraints.txt")[0] == "mlflow-skinny==2.7.0"


def test_strings_that_pyarrow_keeps_bring_it(folder):
    """A pickle that names pyarrow cannot be loaded without it, and only the whole MLflow brings it."""
    folder.file("model.pkl", b"\x80\x05\x8c\x0bpyarrow.lib\x94\x8c\x05array\x94\x93.").file("data/empty")

    assert requirements(folder, "mlflow==3.17.2", "pandas==3.1") == ("pandas==3.1", "pyarrow")
    assert requirements(folder, "mlflow==3.17.2", "pandas==3.1", "pyarrow<20") == (
        "pandas==3.1",
        "pyarrow<20",
    )
    assert requirements(folder, "mlflow==3.17.2", "pandas==3.1", need=FULL) == (
        "mlflow==3.17.2",
        "pandas==3.1",
    )


def test_other_files_that_mention_pyarrow_do_not(folder):
    """Only pickles are looked into, and only for what they import."""
    folder.file("model.ubj", b"\x8c\x0bpyarrow.lib").file("model.pkl", b"\x80\x05\x8c\x0b/pyarrow.py\x94.")

    assert requirements(folder, "mlflow==3.17.2", "pandas==3.1") == ("pandas==3.1",)


@pytest.mark.parametrize(
    "start", [b"\x80\x02", b"PK\x03\x04 model/data.pkl \x80\x02"], ids=["pickle", "archive"]
)
def test_a_pickle_that_imports_mlflow_keeps_it(folder, start):
    """A class of a module that imports MLflow cannot be unpickled without it, also in PyTorch's files."""
    folder.file("model.pkl", start + b"cmlflow.pyfunc\nPythonModel\n.")

    assert requirements(folder, "mlflow==3.17.2", "pandas==3.1")[0] == "mlflow-skinny==3.17.2"


def test_a_stack_trace_in_a_model_needs_no_mlflow(folder):
    """PyTorch's exported programs hold the paths of the files that exported them: MLflow's own."""
    folder.file("model.pt2", b'PK\x03\x04 "site-packages/mlflow/pytorch/__init__.py", line 7, in save_model')

    assert requirements(folder, "mlflow==3.17.2", "pandas==3.1") == ("pandas==3.1",)


@pytest.mark.parametrize(
    "flavour",
    [
        "catboost",
        "keras",
        "lightgbm",
        "onnx",
        "paddle",
        "pmdarima",
        "prophet",
        "pytorch",
        "sentence_transformers",
        "sklearn",
        "spacy",
        "statsmodels",
        "tensorflow",
        "xgboost",
    ],
)
def test_flavours_with_a_loader_of_our_own_need_no_mlflow(empty, flavour):
    """A model of such a flavour is served without MLflow, but not one that only names its loader."""
    head = f"flavors:\n  python_function: {{loader_module: mlflow.{flavour}, python_version: 3.11.7}}\n"
    empty.file("MLmodel", head + "mlflow_version: 3.17.2\n")
    assert requirements(empty, "mlflow==3.17.2")[0] == "mlflow-skinny==3.17.2"

    empty.file("MLmodel", f"{head}  {flavour}: {{data: model}}\nmlflow_version: 3.17.2\n")
    assert requirements(empty, "mlflow==3.17.2") == ("pandas",)


def test_a_choice_is_a_choice(folder, pyfunc):
    """``--mlflow`` overrides what would be decided."""
    assert requirements(pyfunc, "mlflow==2.9.2", need=NONE) == ("pandas<3",)
    assert requirements(pyfunc, "mlflow==2.9.2", need=FULL) == ("mlflow==2.9.2",)
    assert requirements(pyfunc, "mlflow-skinny==2.9.2", need=FULL) == ("mlflow==2.9.2",)
    assert requirements(folder, "mlflow==2.9.2", need=SKINNY)[0] == "mlflow-skinny==2.9.2"
    assert requirements(folder, "a", need=FULL) == ("mlflow==2.9.2", "a")


@pytest.mark.parametrize("code", ["..", "../..", "/"])
def test_code_outside_of_the_model_is_never_searched(folder, code):
    """An ``MLmodel`` that names other folders of this machine as its code does not get them read."""
    (folder.path.parent / "other.py").write_text("import mlflow\n")
    content = (folder.path / "MLmodel").read_text()
    folder.file("MLmodel", content.replace("python_function:\n", f"python_function:\n    code: {code}\n"))

    assert requirements(folder, "mlflow==2.9.2", "pandas==2.1.0") == ("pandas==2.1.0",)


def test_code_that_cannot_be_parsed_may_import_anything(custom):
    """Nesting beyond what Python's parser can do is no error of ours: MLflow stays."""
    custom.file("code/deep.py", "-" * 200_000 + "1\n")

    assert "mlflow-skinny==2.9.2" in requirements(custom, "mlflow==2.9.2")
