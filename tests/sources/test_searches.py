"""Searches for alpha among rows in blocks: folds, and what comes of them, are those of memory."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import KFold, ShuffleSplit

from skmtl import (
    MultiTaskElasticNetCV,
    MultiTaskLassoCV,
    MultiTaskLinear,
    MultiTaskLinearCV,
    MultiTaskLinearRegressor,
    MultiTaskLinearRegressorCV,
)
from skmtl.sources import ArraySource

pytestmark = pytest.mark.usefixtures("stays_stored")


def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1500, 6)) + 2
    Y = X @ rng.normal(size=(6, 3)) * [1, 0.1, 0.5] + 3 * rng.normal(size=(1500, 3))
    Y[rng.random(Y.shape) < 0.3] = Y[:400] = np.nan
    return X, Y


SEARCHES = {
    "lasso": MultiTaskLassoCV(alphas=20),
    "elastic_net": MultiTaskElasticNetCV(alphas=10, l1_ratio=[0.3, 0.9], cv=KFold(3)),
    "left_out_rows": MultiTaskLassoCV(
        alphas=10, cv=ShuffleSplit(4, random_state=0), fit_intercept=False
    ),
    "l21": MultiTaskLinearCV("l21", alphas=10),
    "mse": MultiTaskLinearRegressorCV(
        "l2", alphas=10, cv=ShuffleSplit(3, random_state=0), scoring="neg_mean_squared_error"
    ),
    "grid": MultiTaskLinearCV(alphas=8, grid={"penalty": ["l2", "l21"]}, fit_intercept=False),
}


@pytest.mark.parametrize("name", sorted(SEARCHES))
def test_the_search_of_all_rows(name):
    X, Y = data()
    weights = np.random.default_rng(1).integers(0, 3, size=1500).astype(float)
    whole = clone(SEARCHES[name]).fit(X, Y, weights)
    found = clone(SEARCHES[name]).fit(ArraySource(X, Y, weights, block_rows=350))
    np.testing.assert_allclose(found.alphas_, whole.alphas_, rtol=1e-9)
    np.testing.assert_allclose(found.mse_path_, whole.mse_path_, rtol=1e-8)
    np.testing.assert_allclose(found.alpha_, whole.alpha_, rtol=1e-9)
    np.testing.assert_allclose(found.coef_, whole.coef_, atol=1e-9)


@pytest.mark.parametrize(
    "model",
    [
        MultiTaskLinear(),
        MultiTaskLinear("trace_norm", scale_targets=True),
        MultiTaskLinearRegressor("l21", task_weight=[1, 2, 0]),
    ],
    ids=["default", "trace_norm", "task_weight"],
)
def test_an_alpha_that_chooses_itself(model):
    X, Y = data()
    whole = clone(model).fit(X, Y)
    found = clone(model).fit(ArraySource(X, Y, block_rows=350))
    np.testing.assert_allclose(found.alpha_, whole.alpha_, rtol=1e-9)
    np.testing.assert_allclose(found.coef_, whole.coef_, atol=1e-9)


def test_in_long_form():
    X, Y = data()
    X = np.column_stack([np.arange(1500) % 4, X])
    model = MultiTaskLinear("l21", task_feature=0)
    whole = clone(model).fit(X, Y[:, 1])
    found = clone(model).fit(ArraySource(X, Y[:, 1], block_rows=350))
    np.testing.assert_allclose(found.alpha_, whole.alpha_, rtol=1e-9)
    np.testing.assert_allclose(found.coef_, whole.coef_, atol=1e-9)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"tasks": "count"}, "has a task of type 'count'"),
        ({"scoring": "neg_mean_absolute_error"}, "is scored by scoring='neg_mean_absolute_error'"),
        ({"scale_targets": True}, "has scale_targets=True"),
        ({"task_feature": 0}, "is in long form"),
    ],
)
def test_what_takes_the_rows_of_a_fold(options, why):
    X, Y = data()
    X[:, 0] = np.arange(1500) % 2
    y = np.abs(Y[:, 0].round())
    with pytest.raises(ValueError, match=f"MultiTaskLinearCV goes by .*, but this fit {why}"):
        MultiTaskLinearCV(**options).fit(ArraySource(X, y, block_rows=350))
