"""Estimators of the real scikit-learn: who may be given an array, and what they make of it."""

import json
import subprocess
from pathlib import Path

import lading_runtime
import pytest

RUNTIME = Path(lading_runtime.__file__).parents[1]

SCRIPT = """
import json, sys, warnings
sys.path.append(sys.argv[1])
import numpy as np, pandas as pd
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import *
from sklearn.linear_model import *
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import *
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from lading_runtime.worker import frames
from lading_runtime.worker.loaders.bare_arrays import array_acceptor
from lading_runtime.worker.loaders.sklearn import by_kind, of_arrays, predictor

class Own(LinearRegression):
    def predict(self, X):
        return X["b"]

def changed():
    estimator = LinearRegression()
    estimator.predict = lambda X: X["b"]
    return estimator

def takes(predict, data):
    try:
        return predict(data, None) is not None
    except ValueError:
        return False

rng = np.random.default_rng(0)
names = list("abcd")
frame = pd.DataFrame(rng.normal(size=(60, 4)), columns=names)
target = (frame["a"] + frame["b"] > 0).astype(int)
buffer = bytearray(frame.to_numpy().T.tobytes())
node = {"kind": "table", "dtype": "<f8", "rows": 60, "names": names, "index": None, "buffer": 0}
array = frames.build_array_of_table(node, [buffer])
warnings.simplefilter("error")
estimator = eval(sys.argv[2]).fit(frame, target)
accepts = array_acceptor(estimator)
said = {"accepts": accepts is not None}
if accepts is not None:
    predict = by_kind(predictor(estimator, "predict"), of_arrays(estimator, "predict"))
    said["same"] = predict(array, None).tobytes() == predict(frame, None).tobytes()
    said["frames"] = takes(predict, frame[names[::-1]])
    said["others"] = accepts(names[::-1])
print(json.dumps(said))
"""


def said_of(estimator, mlflow_python):
    """What the script says of an estimator."""
    command = [str(mlflow_python), "-W", "ignore", "-c", SCRIPT, str(RUNTIME), estimator]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    "estimator",
    [
        "LogisticRegression()",
        "RandomForestClassifier(n_estimators=3)",
        "GradientBoostingClassifier(n_estimators=3)",
        "make_pipeline(StandardScaler(), 'passthrough', SVC())",
        "make_pipeline(MinMaxScaler(), make_pipeline(RobustScaler(), KNeighborsClassifier()))",
    ],
)
def test_an_array_is_predicted_as_its_data_frame(estimator, mlflow_python):
    """To the byte and without a warning; with other names, neither an array nor a data frame is taken."""
    said = {"accepts": True, "same": True, "others": False, "frames": False}

    assert said_of(estimator, mlflow_python) == said


@pytest.mark.parametrize(
    "estimator",
    [
        "Own()",
        "changed()",
        "make_pipeline(ColumnTransformer([('a', 'passthrough', ['a'])]), Ridge())",
        "make_pipeline(FunctionTransformer(lambda X: X[['a']]), Ridge())",
        "make_pipeline(StandardScaler().set_output(transform='pandas'), Ridge())",
        "make_pipeline(StandardScaler(), Ridge(), memory=__import__('tempfile').mkdtemp())",
        "HistGradientBoostingClassifier(max_iter=3)",
    ],
)
def test_who_may_look_at_columns_gets_a_data_frame(estimator, mlflow_python):
    """Somebody's own code, choosers of columns, and estimators that look at dtypes or were changed."""
    assert said_of(estimator, mlflow_python) == {"accepts": False}
