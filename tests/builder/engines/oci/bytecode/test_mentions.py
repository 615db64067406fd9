"""Which modules the files of a model name."""

import os
import pickle
import zipfile
from collections import OrderedDict
from decimal import Decimal

import pytest
from lading.engines.oci.bytecode.mentions import names_in, names_in_loaders


class Bomb:
    """Leaves a trace when it is unpickled."""

    def __init__(self, trace) -> None:
        self.trace = str(trace)

    def __reduce__(self):
        return os.mkdir, (self.trace,)


@pytest.mark.parametrize("protocol", range(6))
def test_pickles_tell_what_they_import(tmp_path, protocol):
    """Modules are found in each protocol of pickle."""
    (tmp_path / "model.pkl").write_bytes(pickle.dumps([OrderedDict(a=1), Decimal(1)], protocol))

    assert {"collections", "decimal"} <= {*names_in(tmp_path, {"collections", "decimal", "os"})}


def test_the_length_of_a_name_is_not_part_of_it(tmp_path):
    """In a pickle a name's length stands before it, and may be a letter."""
    for length in range(10, 200):
        (tmp_path / "model.pkl").write_bytes(pickle.dumps("numpy." + "x" * (length - 6), 4))

        assert names_in(tmp_path, {"numpy"}) == {"numpy." + "x" * (length - 6)}


def test_nothing_is_unpickled(tmp_path):
    """A hostile pickle is read as text."""
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(Bomb(tmp_path / "trace")))

    assert names_in(tmp_path, {"posix"}) == {"posix"}
    assert not (tmp_path / "trace").exists()


def test_hostile_names_are_only_names(tmp_path):
    """Names of other packages, of paths and of nonsense are none of the environment's."""
    hostile = (
        b"c../../etc\npasswd\n cos.system\n /opt/numpy/x numpy-extra my.numpy xnumpy numpy/core \0 numpy..x"
    )
    (tmp_path / "model.pkl").write_bytes(hostile)

    assert names_in(tmp_path, {"numpy"}) <= {"numpy"}


def test_archives_of_json_tell(tmp_path):
    """Skops keeps names as JSON in a zip archive without compression."""
    with zipfile.ZipFile(tmp_path / "model.skops", "w") as archive:
        archive.writestr("schema.json", '{"__class__": "Tree", "__module__": "sklearn.tree._classes"}')

    assert names_in(tmp_path, {"sklearn"}) == {"sklearn.tree._classes"}


def test_lists_of_packages_tell_nothing(tmp_path):
    """A requirement is installed, which does not mean that it is imported."""
    (tmp_path / "requirements.txt").write_text("matplotlib==3.9\n")
    (tmp_path / "conda.yaml").write_text("- matplotlib\n")
    (tmp_path / "MLmodel").write_text("loader_module: mlflow.sklearn\n")

    assert names_in(tmp_path, {"matplotlib", "mlflow"}) == {"mlflow.sklearn"}


def test_large_files_are_read_at_both_ends(tmp_path):
    """Between are numbers."""
    with (tmp_path / "model.bin").open("wb") as file:
        file.write(b"\nnumpy.core\n")
        file.seek(1 << 28)
        file.write(b"\nscipy.sparse\n")

    assert names_in(tmp_path, {"numpy", "scipy"}) == {"numpy.core", "scipy.sparse"}


def test_an_empty_environment_has_no_names(tmp_path):
    """A model without packages names none."""
    (tmp_path / "MLmodel").write_text("x\n")

    assert names_in(tmp_path, set()) == frozenset()


def test_loaders_add_what_they_import(tmp_path):
    """What the server's loaders import of a package counts for models that mention it, and pandas always."""
    wheel = tmp_path / "runtime.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("lading_runtime/worker/loaders/x.py", "f('statsmodels.iolib.api')\nf('xgboost')\n")
        archive.writestr("lading_runtime/worker/frames.py", "import_module('pandas')\n")
        archive.writestr("lading_runtime/server/app.py", "import statsmodels.secret\n")

    found = names_in_loaders(wheel, {"statsmodels", "xgboost", "pandas"}, ["statsmodels"])

    assert found == {"statsmodels.iolib.api", "pandas"}
