"""Run in an environment with scikit-learn: what estimators and their formulas say, as JSON.

python compared.py RUNTIME_FOLDER
"""

import json
import sys
import warnings

sys.path.append(sys.argv[1])

import numpy as np
from lading_runtime.worker.formulas.choice import in_turn
from lading_runtime.worker.loaders.bare_arrays import parts_of
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import (
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import (
    ElasticNet,
    LinearRegression,
    LogisticRegression,
    Perceptron,
    PoissonRegressor,
    Ridge,
    RidgeClassifier,
    SGDClassifier,
    SGDRegressor,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier

CHECKS = {"check_array", "validate_data", "_validate_data", "check_is_fitted", "predict_stages", "Parallel"}
"""What scikit-learn calls in every prediction, and formulas do not."""

RNG = np.random.RandomState(1)
FEATURES = 5
ROWS = RNG.standard_normal((300, FEATURES)) * [1, 10, 0.1, 3, 1] + [0, 5, 0, -3, 1]
SUM = ROWS.sum(axis=1)
TWO, THREE = (SUM > 3).astype(int), np.digitize(SUM, [0, 6])
NAMES = np.array(["low", "middle", "high"])
PAIR = np.column_stack([SUM, ROWS[:, 0]])


def fitted():
    """Yield names, estimators and methods."""
    forest, boosted = {"n_estimators": 7, "random_state": 0}, {"n_estimators": 5, "random_state": 0}
    objects = NAMES.astype(object)[THREE]
    for name, target in (("two", TWO), ("three", THREE), ("texts", NAMES[THREE]), ("objects", objects)):
        for method in ("predict", "predict_proba"):
            yield f"logistic, {name}, {method}", LogisticRegression(max_iter=2000).fit(ROWS, target), method
            yield f"tree, {name}, {method}", DecisionTreeClassifier(max_depth=4).fit(ROWS, target), method
            yield f"forest, {name}, {method}", RandomForestClassifier(**forest).fit(ROWS, target), method
            threads = RandomForestClassifier(n_jobs=2, **forest).fit(ROWS, target)
            yield f"threads, {name}, {method}", threads, method
        yield f"boosted, {name}", GradientBoostingClassifier(**boosted).fit(ROWS, target), "predict"
        for kind in (LinearSVC, Perceptron, SGDClassifier, RidgeClassifier, LinearDiscriminantAnalysis):
            yield f"{kind.__name__}, {name}", kind().fit(ROWS, target), "predict"
        yield f"extra tree, {name}", ExtraTreeClassifier().fit(ROWS, target), "predict"
    for kind in (LinearRegression, Ridge, ElasticNet, SGDRegressor, DecisionTreeRegressor):
        yield kind.__name__, kind().fit(ROWS, SUM), "predict"
    yield "single precision", Ridge().fit(ROWS.astype("float32"), SUM.astype("float32")), "predict"
    yield "forest of numbers", RandomForestRegressor(**forest).fit(ROWS, SUM), "predict"
    yield "extra trees", ExtraTreesRegressor(**forest).fit(ROWS, SUM), "predict"
    yield "boosted numbers", GradientBoostingRegressor(**boosted).fit(ROWS, SUM), "predict"
    yield "pair", LinearRegression().fit(ROWS, PAIR), "predict"
    yield "weighted", RandomForestClassifier(class_weight="balanced", **forest).fit(ROWS, THREE), "predict"
    for kind in (StandardScaler, RobustScaler, MinMaxScaler, MaxAbsScaler):
        yield f"{kind.__name__}, Ridge", make_pipeline(kind(), Ridge()).fit(ROWS, SUM), "predict"
    bounded = make_pipeline(MinMaxScaler(clip=True), "passthrough", LogisticRegression()).fit(
        ROWS[:100], TWO[:100]
    )
    yield "bounded", bounded, "predict_proba"
    nested = make_pipeline(
        StandardScaler(with_mean=False), make_pipeline(RobustScaler(), LogisticRegression())
    )
    yield "nested", nested.fit(ROWS, THREE), "predict"
    # Some of these have no formula, or not for all that they can be.
    yield "support vectors", make_pipeline(StandardScaler(), SVC()).fit(ROWS, TWO), "predict"
    yield "counts", PoissonRegressor().fit(ROWS, TWO), "predict"
    yield "pair of trees", RandomForestRegressor(**forest).fit(ROWS, PAIR), "predict"
    yield "logarithms", LogisticRegression(max_iter=2000).fit(ROWS, TWO), "predict_log_proba"
    yield "begun otherwise", GradientBoostingRegressor(init=Ridge(), **boosted).fit(ROWS, SUM), "predict"


def asked():
    """Yield arrays of all kinds, many of which nobody can predict from."""
    for dtype in ("float64", "float32", "int64", "int32", "float16", "bool", "object", "complex128"):
        yield ROWS.astype(dtype)
    for size in (0, 1, 2, 3, 8, 17, 64):
        yield ROWS[:size]
    yield from (np.asfortranarray(ROWS), ROWS[::-1], ROWS[::2], np.repeat(ROWS, 2, axis=1)[:, ::2])
    for special in (
        np.nan,
        np.inf,
        -np.inf,
        1e300,
        -1e300,
        5e-324,
        -0.0,
        1e39,
        float(np.finfo("float32").max),
    ):
        for place in ((0, 0), (7, 3), (slice(None), slice(None))):
            array = ROWS.copy()
            array[place] = special
            yield array
            if abs(special) < 1e39 or special != special:  # noqa: PLR0124 - nan
                yield array.astype("float32")
    yield from (ROWS[:, :3], ROWS[0], ROWS.reshape(10, 30, FEATURES), np.float64(1), np.zeros((3, 0)))
    yield np.hstack([ROWS, ROWS])
    yield RNG.standard_normal((4000, FEATURES)) * 100


def said(predict, array):
    """Return what *predict* says of a copy of *array*, to the bit, or how it refuses that."""
    with np.errstate(all="ignore"):
        try:
            answer = predict(array.copy())
        except Exception as error:  # noqa: BLE001 - compared
            return type(error).__name__, str(error)
    return str(answer.dtype), answer.shape, answer.tobytes() if answer.dtype != object else answer.tolist()


def calls_of(predict, array):
    """Return the names of what *predict* calls."""
    names = set()
    sys.setprofile(lambda frame, event, _: names.add(frame.f_code.co_name) if event == "call" else None)
    try:
        predict(array)
    finally:
        sys.setprofile(None)
    return names


def main():
    """Print what is found."""
    warnings.simplefilter("ignore")
    found = {}
    for name, estimator, method in fitted():
        predict = in_turn(list(parts_of(estimator)), method)
        own = getattr(estimator, method)
        differing = [
            number for number, array in enumerate(asked()) if said(predict, array) != said(own, array)
        ]
        checks = sorted(calls_of(predict, ROWS[:1]) & CHECKS)
        found[name] = {"differing": differing, "checks": checks}
    print(json.dumps(found))  # noqa: T201 - for the test


main()
