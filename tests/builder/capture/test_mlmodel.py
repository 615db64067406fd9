"""Reading ``MLmodel``."""

import pytest
from lading.capture.mlmodel import read_model
from lading.errors import InvalidModel


def test_what_mlflow_writes_is_read(conformance):
    """Every model of the conformance suite is read, with its loader and the version that logged it."""
    for folder in sorted(path for path in conformance.models.iterdir() if path.is_dir()):
        model = read_model(folder)

        assert model.folder == folder
        assert model.loader_module
        assert model.mlflow_version == "3.17.2"


def test_ids_are_read(empty):
    """Run and model id are those of ``MLmodel``; a missing one is None."""
    empty.file("MLmodel", "flavors: {python_function: {loader_module: x}}\nrun_id: abc\nmodel_id: m-1\n")

    assert (empty.model.run_id, empty.model.model_id) == ("abc", "m-1")
    assert empty.model.mlflow_version is None


def test_equal_signatures_have_equal_digests(empty):
    """A signature's digest does not depend on spaces or on the order of keys; no signature has none."""
    head = "flavors: {python_function: {loader_module: x}}\n"
    texts = (
        """signature: {inputs: '[{"name": "a", "type": "long"}]', outputs: null}""",
        """signature: {outputs: null, inputs: '[{"type":"long","name":"a"}]', params: null}""",
        """signature: {inputs: '[{"name": "b", "type": "long"}]'}""",
    )
    same, again, other = (empty.file("MLmodel", head + text).model.signature for text in texts)

    assert same == again != other
    assert empty.file("MLmodel", head).model.signature is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("flavors: [", "is no YAML: line"),
        ("date: 2020-13-45", "is no YAML: it cannot be parsed"),
        ("a: !!int b", "is no YAML: it cannot be parsed"),
        ("a: " + "[" * 3000, "is no YAML: it cannot be parsed"),
        ("text", "holds no keys"),
        ("", "holds no keys"),
        (b"\xff\xfe\x00\xd8", "MLmodel"),
        ("run_id: x", "names no flavours (key 'flavors')"),
        ("flavors: {}", "names no flavours (key 'flavors')"),
        ("flavors: [python_function]", "names no flavours (key 'flavors')"),
        ("flavors: {python_function: text}", "key 'flavors.python_function' must hold keys"),
        ("flavors: {python_function: {}}", "key 'flavors.python_function.loader_module' must name a module"),
        ("flavors: {python_function: {loader_module: 3}}", "loader_module' must name a module"),
        ("flavors: {crate: {version: 1}}", "has no flavour 'python_function', only 'crate'"),
        ("flavors: {python_function: {loader_module: x}}\nrun_id: [1]", "key 'run_id' must be text"),
        ("flavors: {python_function: {loader_module: x}}\nsignature: x", "key 'signature' must hold keys"),
        (
            "flavors: {python_function: {loader_module: x}}\nsignature: {inputs: no}",
            "key 'signature.inputs' must be JSON",
        ),
    ],
)
def test_a_broken_file_names_file_and_key(empty, content, message):
    """Whatever is wrong with ``MLmodel``, the error says where."""
    empty.file("MLmodel", content)

    with pytest.raises(InvalidModel) as raised:
        read_model(empty.path)

    assert message in str(raised.value)
    assert str(empty.path / "MLmodel") in str(raised.value)


def test_yaml_cannot_run_code(empty, tmp_path):
    """Tags that make objects are refused, not obeyed."""
    empty.file("MLmodel", f"flavors: !!python/object/apply:os.mkdir ['{tmp_path}/made']")

    with pytest.raises(InvalidModel, match="is no YAML"):
        read_model(empty.path)
    assert not (tmp_path / "made").exists()


def test_a_folder_without_the_file_hints_at_one_below(empty):
    """Where a subfolder is a model, the error names it."""
    with pytest.raises(InvalidModel, match="has no MLmodel file; give the folder that holds it"):
        read_model(empty.path)

    empty.file("artifacts/model/MLmodel")
    with pytest.raises(InvalidModel, match=r"did you mean .*/artifacts/model"):
        read_model(empty.path)
