"""XGBoost models without MLflow, beside MLflow's own wrapper."""

from pathlib import Path

import pytest
from lading_runtime.worker.loaders.xgboost import XgboostLoader
from lading_runtime.worker.model import ModelFolder, Unloadable

from tests.flavours.environment import Answers, answers_of

pytestmark = pytest.mark.xdist_group("flavour xgboost")
VARIANTS = ["booster", "booster_json", "booster_old", "classifier", "regressor", "forest", "ranker"]


@pytest.fixture(scope="module")
def answers() -> Answers:
    """What the saved models predict."""
    return answers_of("xgboost", "light")


@pytest.mark.parametrize("variant", VARIANTS)
def test_predictions_are_mlflows(answers: Answers, variant: str):
    """A booster or estimator, from each file that MLflow wrote, predicts bit for bit as in MLflow."""
    assert answers.native[variant] == answers.mlflow(variant, "xgboost")


def test_all_that_was_saved_is_compared(answers: Answers):
    """No variant is left out of the comparison."""
    assert sorted(answers.native) == sorted(VARIANTS)


def test_a_model_without_its_flavour_is_refused(tmp_path: Path):
    """A model that names XGBoost's loader but has no XGBoost flavour says so."""
    mlmodel = {"flavors": {"python_function": {"loader_module": "mlflow.xgboost"}}}

    with pytest.raises(Unloadable, match="it has no flavour 'xgboost'"):
        XgboostLoader().load(ModelFolder(tmp_path, mlmodel))


def test_a_missing_file_is_named(tmp_path: Path):
    """A model whose file is not in its folder is refused by the file's name."""
    flavours = {
        "python_function": {"loader_module": "mlflow.xgboost"},
        "xgboost": {"data": "model.ubj"},
    }

    with pytest.raises(Unloadable, match=r"not in its folder: 'model\.ubj'"):
        XgboostLoader().load(ModelFolder(tmp_path, {"flavors": flavours}))
