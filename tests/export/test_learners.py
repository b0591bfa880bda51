"""Estimators of one task inside of others: of this package, of scikit-learn, after transformers."""

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import (
    ARDRegression,
    GammaRegressor,
    Lasso,
    LogisticRegression,
    QuantileRegressor,
    RidgeClassifier,
    SGDClassifier,
    TweedieRegressor,
)
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    PowerTransformer,
    RobustScaler,
    StandardScaler,
)

from skmtl import (
    CalibratedTasks,
    IndependentTasks,
    MultiTaskLinear,
    MultiTaskMLP,
    TaskGrouping,
)
from skmtl.compose import TargetScaler
from skmtl.export import to_onnx
from skmtl.export._outputs import outputs_of
from skmtl.neural.inputs import PiecewiseLinear
from skmtl.tasks import Quantile

from .agreement import assert_agree, run

pytest.importorskip("skl2onnx", minversion="1.20")
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def data():
    """X, and tasks of numbers above 0, of two classes and of three."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 3))
    classes = np.digitize(X[:, 0] + 0.3 * rng.normal(size=80), [-0.5, 0.5])
    return X, np.exp(X[:, 1]), (X[:, 2] > 0) * 1.0, classes * 1.0


def same(estimator, X):
    """The graph and the module say what the estimator says."""
    assert_agree(run(to_onnx(estimator), X), outputs_of(estimator), estimator, X)


NUMBERS = {
    "lasso": Lasso(0.1),
    "gamma": GammaRegressor(),
    "identity": TweedieRegressor(power=0.0, link="identity"),
    "scaled-inside": ARDRegression(),
    "constant": DummyRegressor(strategy="median"),
    "ours": MultiTaskLinear(alpha=0.1),
    "pipeline": make_pipeline(StandardScaler(), Lasso(0.1)),
    "pipeline-of-one": make_pipeline(Lasso(0.1)),
    "search": GridSearchCV(Lasso(), {"alpha": [0.1, 1.0]}, cv=2),
    **{
        type(step).__name__: make_pipeline(step, Lasso(0.01))
        for step in (
            MinMaxScaler(clip=True),
            MaxAbsScaler(),
            RobustScaler(),
            PiecewiseLinear(n_bins=3),
            FunctionTransformer(np.square),
        )
    },
    "no-function": make_pipeline("passthrough", FunctionTransformer(), Lasso(0.1)),
}
CLASSES = {
    "logistic": LogisticRegression(),
    "one-against-others": SGDClassifier(random_state=0),
    "certain": RidgeClassifier(),
    "most-frequent": DummyClassifier(strategy="most_frequent"),
    "prior": DummyClassifier(strategy="prior"),
    "ours": MultiTaskLinear(alpha=0.1),
    "after": make_pipeline(StandardScaler(), LogisticRegression()),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers(name, data):
    X, y, *_ = data
    same(IndependentTasks(regressor=NUMBERS[name]).fit(X, np.column_stack([y, 2.0 * y])), X)


@pytest.mark.parametrize("name", CLASSES)
def test_classes(name, data):
    X, _, two, three = data
    same(IndependentTasks(classifier=CLASSES[name]).fit(X, np.column_stack([two, three])), X)


def test_logistic_regression_of_one_class_against_the_others(data):
    X, _, two, _ = data
    model = LogisticRegression(solver="liblinear")
    same(IndependentTasks(classifier=model).fit(X, np.column_stack([two, two[::-1]])), X)


def test_levels_of_a_quantile(data):
    X, y, *_ = data
    tasks = Quantile([0.2, 0.5, 0.9])
    inside = QuantileRegressor(alpha=0.0, solver="highs")
    same(IndependentTasks(regressor=inside, tasks=tasks).fit(X, np.column_stack([y, -y])), X)


def test_what_is_frozen(data):
    X, y, *_ = data
    estimator = IndependentTasks(regressor=Lasso(0.1)).fit(X, np.column_stack([y, y[::-1]]))
    estimator.estimators_ = [FrozenEstimator(one) for one in estimator.estimators_]
    same(estimator, X)


def test_pipelines_and_searches_inside_of_estimators_of_many_tasks(data):
    X, y, two, _ = data
    Y = np.column_stack([y, two])
    inner = make_pipeline(StandardScaler(), make_pipeline(MinMaxScaler(), MultiTaskLinear()))
    same(CalibratedTasks(inner, cv=2).fit(X, Y), X)
    search = GridSearchCV(MultiTaskLinear(), {"alpha": [0.1, 1.0]}, cv=2)
    same(TargetScaler(search).fit(X, np.column_stack([y, y[::-1]])), X)


@pytest.mark.parametrize(
    "transformer",
    [
        PowerTransformer("box-cox"),
        PowerTransformer("yeo-johnson", standardize=False),
        make_pipeline(FunctionTransformer(np.log, np.exp), StandardScaler()),
        make_pipeline(None, RobustScaler()),
    ],
)
def test_the_way_back_of_labels(transformer, data):
    X, y, *_ = data
    Y = np.column_stack([y, y[::-1] ** 2])
    same(TargetScaler(MultiTaskLinear(), transformer=transformer).fit(X, Y), X)


@pytest.mark.parametrize(
    ("method", "power"),
    [("yeo-johnson", 0.0), ("yeo-johnson", 2.0), ("yeo-johnson", 0.5), ("box-cox", 0.0)],
)
def test_powers_of_their_own_kind(method, power, data):
    # Powers of 0 are logarithms, and so are those of 2, below 0.
    X, y, *_ = data
    y = 0.1 * y if method == "box-cox" else np.log(y)
    estimator = TargetScaler(MultiTaskLinear(), transformer=PowerTransformer(method))
    estimator.fit(X, np.column_stack([y, y[::-1]]))
    for transformer in estimator.transformers_:
        transformer.lambdas_[:] = power
    same(estimator, X)


def test_what_no_graph_says_is_named(data):
    X, _, two, _ = data
    Y = np.column_stack([two, two[::-1]])
    drawn = IndependentTasks(classifier=DummyClassifier(strategy="stratified")).fit(X, Y)
    with pytest.raises(ValueError, match=r"DummyClassifier\(.* draws at random, which no graph"):
        to_onnx(drawn)
    long = np.column_stack([X, np.arange(80) % 2])
    inner = make_pipeline(StandardScaler(), MultiTaskLinear())
    with pytest.raises(ValueError, match="in long form, inside of a Pipeline inside of another"):
        to_onnx(CalibratedTasks(inner, cv=2, task_feature=3).fit(long, two))
    table = pd.DataFrame({"a": X[:, 0], "b": np.where(X[:, 1] > 0, "x", "y")})
    inner = MultiTaskMLP((4,), max_iter=2, random_state=0)
    with pytest.raises(ValueError, match=r"MultiTaskMLP inside of another .* encode them in a"):
        to_onnx(TaskGrouping(inner).fit(table.astype({"b": "category"}), Y))
