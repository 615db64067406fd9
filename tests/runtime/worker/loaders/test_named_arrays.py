"""Models of the real XGBoost and LightGBM: who may be given an array, and what they make of it."""

import json
from pathlib import Path

import lading_runtime
import pytest

from tests.flavours.environment import interpreter, run

pytestmark = pytest.mark.xdist_group("flavour xgboost")
SCRIPT = Path(__file__).with_name("compared_boosters.py")
RUNTIME = Path(lading_runtime.__file__).parents[1]
FRAMES_ONLY = {"categories", "nameless", "light categories"}


@pytest.fixture(scope="module")
def found():
    """Return what ``compared_boosters.py`` prints."""
    command = [interpreter("light", has_mlflow=False), "-W", "ignore", SCRIPT, RUNTIME]
    return json.loads(run(*command).splitlines()[-1])


def test_an_array_is_predicted_as_its_data_frame(found):
    """To the bit, whatever the array's dtype, size and numbers, with params or without; so is it refused."""
    differing = {name: each["differing"] for name, each in found["models"].items() if each.get("differing")}

    assert differing == {}


def test_categories_and_models_without_names_get_data_frames(found):
    """Whoever was fitted with categories refuses numbers; who knows no names refuses a data frame's."""
    assert {name for name, each in found["models"].items() if not each["accepts"]} == FRAMES_ONLY


def test_names_count_where_the_library_compares_them(found):
    """XGBoost refuses columns in another order, which needs their names; LightGBM goes by their places."""
    compared = {name: each["others"] for name, each in found["models"].items() if each["accepts"]}

    assert compared == {name: name.startswith("light") for name in compared}


def test_fewer_columns_are_left_to_the_library(found):
    """It says what is wrong with them."""
    assert not any(each["fewer"] for each in found["models"].values() if each["accepts"])


def test_a_model_is_not_asked_while_it_is_loaded(found):
    """Threads that a prediction starts do not survive a fork; it is tried once, in each model process."""
    loading, first, second = found["questions"]

    assert loading == 0
    assert first == second > 0
