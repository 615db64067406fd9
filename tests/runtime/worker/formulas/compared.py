"""Run in an environment with scikit-learn: what estimators and their formulas say, as JSON.

python compared.py RUNTIME_FOLDER
"""

import json
import sys
import warnings
from itertools import product

sys.path.append(sys.argv[1])

import numpy as np
from lading_runtime.worker.formulas.steps import in_turn
from lading_runtime.worker.loaders.bare_arrays import parts_of
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import (
    BayesianRidge,
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
RARE = (np.arange(300) % 50 == 0).astype(int)
TWO, THREE = (SUM > 3).astype(int), np.digitize(SUM, [0, 6])
NAMES = np.array(["low", "middle", "high"])
PAIR = np.column_stack([SUM, ROWS[:, 0]])


FOREST = {"n_estimators": 7, "random_state": 0}
BOOSTED = {"n_estimators": 5, "random_state": 0}


def fitted():
    """Yield names, estimators and methods."""
    objects = NAMES.astype(object)[THREE]
    for name, target in (("two", TWO), ("three", THREE), ("texts", NAMES[THREE]), ("objects", objects)):
        yield from classifiers(name, target)
    yield from regressors()
    yield from pipelines()
    yield from weighted()
    yield from of_another_scale()
    yield from without_formula()


def classifiers(name, target):
    """Yield classifiers of what is called *name*."""
    for method in ("predict", "predict_proba"):
        yield f"logistic, {name}, {method}", LogisticRegression(max_iter=2000).fit(ROWS, target), method
        yield f"tree, {name}, {method}", DecisionTreeClassifier(max_depth=4).fit(ROWS, target), method
        yield f"forest, {name}, {method}", RandomForestClassifier(**FOREST).fit(ROWS, target), method
        threads = RandomForestClassifier(n_jobs=2, **FOREST).fit(ROWS, target)
        yield f"threads, {name}, {method}", threads, method
    yield f"boosted, {name}", GradientBoostingClassifier(**BOOSTED).fit(ROWS, target), "predict"
    for kind in (LinearSVC, Perceptron, SGDClassifier, RidgeClassifier, LinearDiscriminantAnalysis):
        yield f"{kind.__name__}, {name}", kind().fit(ROWS, target), "predict"
    yield f"extra tree, {name}", ExtraTreeClassifier().fit(ROWS, target), "predict"


def regressors():
    """Yield estimators of numbers."""
    for kind in (LinearRegression, Ridge, ElasticNet, BayesianRidge, SGDRegressor, DecisionTreeRegressor):
        yield kind.__name__, kind().fit(ROWS, SUM), "predict"
    yield "single precision", Ridge().fit(ROWS.astype("float32"), SUM.astype("float32")), "predict"
    yield "forest of numbers", RandomForestRegressor(**FOREST).fit(ROWS, SUM), "predict"
    yield "extra trees", ExtraTreesRegressor(**FOREST).fit(ROWS, SUM), "predict"
    yield "boosted numbers", GradientBoostingRegressor(**BOOSTED).fit(ROWS, SUM), "predict"
    yield "pair", LinearRegression().fit(ROWS, PAIR), "predict"


def pipelines():
    """Yield scalers before something else."""
    for kind in (StandardScaler, RobustScaler, MinMaxScaler, MaxAbsScaler):
        yield f"{kind.__name__}, Ridge", make_pipeline(kind(), Ridge()).fit(ROWS, SUM), "predict"
    bounded = make_pipeline(MinMaxScaler(clip=True), "passthrough", LogisticRegression())
    yield "bounded", bounded.fit(ROWS[:100], TWO[:100]), "predict_proba"
    inner = make_pipeline(RobustScaler(), LogisticRegression())
    yield "nested", make_pipeline(StandardScaler(with_mean=False), inner).fit(ROWS, THREE), "predict"


def weighted():
    """Yield estimators whose rows weigh something, together one: as much as the shares of a leaf."""
    weights = RNG.uniform(0.2, 2, len(ROWS))
    weights /= weights.sum()
    rows = ROWS * 300 + 1500
    for method in ("predict", "predict_proba"):
        trees = RandomForestClassifier(max_depth=4, **FOREST).fit(rows, THREE, sample_weight=weights)
        yield f"forest with weights, {method}", trees, method
        tree = DecisionTreeClassifier(max_depth=4).fit(rows, THREE, sample_weight=weights)
        yield f"tree with weights, {method}", tree, method
    balanced = RandomForestClassifier(class_weight="balanced", **FOREST)
    yield "balanced", balanced.fit(ROWS, THREE), "predict"


def of_another_scale():
    """Yield estimators of years, and of very small numbers."""
    years = RNG.uniform(1990, 2025, (400, FEATURES))
    late = (years[:, 0] + RNG.standard_normal(400) * 1.5 > 2008).astype(int) + (years[:, 0] > 2018)
    for kind, target in product(("auto", "multinomial", "ovr"), (late > 0, late)):
        options = {"multi_class": kind} if "multi_class" in LogisticRegression().get_params() else {}
        logistic = LogisticRegression(solver="newton-cg", C=1e3, **options).fit(years, target)
        yield f"{kind} years, {logistic.classes_.size}", logistic, "predict_proba"
    for scaler in (RobustScaler, MaxAbsScaler, StandardScaler, MinMaxScaler):
        tiny = (ROWS + 1) * 1e-9
        yield f"tiny, {scaler.__name__}", make_pipeline(scaler(), Ridge()).fit(tiny, SUM), "predict"


def without_formula():
    """Yield estimators that predict as ever, at least in some of their steps."""
    yield "support vectors", make_pipeline(StandardScaler(), SVC()).fit(ROWS, TWO), "predict"
    yield "overwriting", make_pipeline(StandardScaler(copy=False), Ridge()).fit(ROWS.copy(), SUM), "predict"
    yield "counts", PoissonRegressor().fit(ROWS, TWO), "predict"
    yield "pair of trees", RandomForestRegressor(**FOREST).fit(ROWS, PAIR), "predict"
    yield "logarithms", LogisticRegression(max_iter=2000).fit(ROWS, TWO), "predict_log_proba"
    yield "begun otherwise", GradientBoostingRegressor(init=Ridge(), **BOOSTED).fit(ROWS, SUM), "predict"
    drawn = DummyClassifier(strategy="stratified", random_state=0)
    yield "begun at random", GradientBoostingClassifier(init=drawn, **BOOSTED).fit(ROWS, RARE), "predict"


def asked():
    """Yield arrays of all kinds, many of which nobody can predict from."""
    for scale, shift in ((1e-9, 1e-9), (10, 2008), (300, 1500)):
        rows = ROWS * scale + shift
        yield from (rows, rows.astype("float32"), rows.astype("int64"), np.asfortranarray(rows))
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
        predict = in_turn(estimator, list(parts_of(estimator)), method)
        own = getattr(estimator, method)
        differing = [
            number for number, array in enumerate(asked()) if said(predict, array) != said(own, array)
        ]
        checks = sorted(calls_of(predict, ROWS[:1]) & CHECKS)
        found[name] = {"differing": differing, "checks": checks}
    print(json.dumps(found))  # noqa: T201 - for the test


main()
