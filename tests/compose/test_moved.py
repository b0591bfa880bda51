"""Steps of a pipeline inside of another estimator leave the task feature where it is."""

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from skmtl import ConformalTasks, MultiTaskLinear, TargetScaler, TaskGrouping

OUTER = {
    "ConformalTasks": lambda inner, **long: ConformalTasks(inner, cv=3, **long),
    "TargetScaler": TargetScaler,
    "TaskGrouping": lambda inner, **long: TaskGrouping(inner, n_groups=1, **long),
}
LINEAR = MultiTaskLinear("mean_deviation", alpha=0.01)


def sales(names=None):
    rng = np.random.default_rng(0)
    store = np.arange(120) % 4
    X = pd.DataFrame({"price": rng.normal(size=120), "store": store})
    X["promotion"] = np.arange(120) // 2 % 2
    y = X["price"] + np.array([0.0, 5.0, -5.0, 9.0])[store] + 0.1 * rng.normal(size=120)
    return X.assign(store=np.array(names)[store]) if names else X, y


def prepare(*order):
    """A scaled price, then other columns as they are."""
    return make_column_transformer((StandardScaler(), ["price"]), ("passthrough", list(order)))


@pytest.mark.parametrize("outer", OUTER)
def test_a_task_feature_that_moves_is_an_error(outer):
    X, y = sales()
    model = OUTER[outer](make_pipeline(prepare("promotion", "store"), LINEAR), task_feature="store")
    told = r"The steps .* change which task a row .* column 1 of X.* task_feature=-1\)\)"
    with pytest.raises(ValueError, match=told):
        model.fit(X, y)
    X, y = sales(["ash", "birch", "cedar", "oak"])
    with pytest.raises(ValueError, match="text such as 'ash'") as caught:
        model.fit(X, y)
    assert any("column 1 of X" in note for note in caught.value.__notes__)


@pytest.mark.parametrize("outer", OUTER)
def test_one_that_stays_is_found(outer):
    X, y = sales(["ash", "birch", "cedar", "oak"])
    turned = make_pipeline(prepare("promotion", "store"), OUTER[outer](LINEAR, task_feature=-1))
    inside = OUTER[outer](make_pipeline(prepare("store", "promotion"), LINEAR), task_feature=1)
    expected = turned.fit(X, y).predict(X)
    assert np.abs(expected - y).mean() < 0.3
    np.testing.assert_allclose(inside.fit(X, y).predict(X), expected, rtol=1e-6, atol=1e-6)
    as_it_was = make_pipeline(FunctionTransformer(), LINEAR)
    assert OUTER[outer](as_it_was, task_feature="store").fit(X, y).score(X, y) > 0.95
