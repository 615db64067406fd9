"""Estimators of the real scikit-learn, an early and a recent one, and their formulas."""

import json
import subprocess
from pathlib import Path

import lading_runtime
import pytest
import uv

from tests.conftest import CACHE, made_once, run

FOLDER = Path(__file__).resolve().parent
RUNTIME = Path(lading_runtime.__file__).parents[1]
EARLY = FOLDER / "scikit-learn-1.2.txt"

WITHOUT_FORMULA = {
    *("support vectors", "overwriting", "counts", "pair of trees", "logarithms"),
    *("begun otherwise", "begun at random"),
}
EARLY_WITHOUT_FORMULA = {
    *("boosted, two", "boosted, three", "boosted, texts", "boosted, objects"),
    *("multinomial years, 2", "multinomial years, 3", "ovr years, 2", "ovr years, 3"),
}


@pytest.fixture(scope="module", params=["recent", "early"])
def version(request):
    """Which scikit-learn."""
    return request.param


@pytest.fixture(scope="module")
def found(version, mlflow_python):
    """Return what ``compared.py`` prints."""
    python = mlflow_python if version == "recent" else early_python()
    command = [str(python), "-W", "ignore", str(FOLDER / "compared.py"), str(RUNTIME)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def early_python():
    """Return the interpreter of an environment with an early scikit-learn."""
    with made_once(CACHE / EARLY.stem) as (folder, is_missing):
        if is_missing:
            run(uv.find_uv_bin(), "venv", "--python", "3.11", folder)
            run(uv.find_uv_bin(), "pip", "install", "--python", folder / "bin" / "python", "-r", EARLY)
    return CACHE / EARLY.stem / "bin" / "python"


def test_every_answer_is_that_of_scikit_learn(found):
    """To the bit, whatever the array's dtype, size and order of memory; and so is every refusal."""
    assert {name: each["differing"] for name, each in found.items() if each["differing"]} == {}


def test_formulas_answer_for_those_who_have_one(found, version):
    """Nothing is called of what scikit-learn does around its arithmetic; the others predict as ever."""
    without = WITHOUT_FORMULA if version == "recent" else WITHOUT_FORMULA | EARLY_WITHOUT_FORMULA

    assert {name for name, each in found.items() if each["checks"]} == without
