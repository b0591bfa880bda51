"""Many rows of X are taken as they are needed, and say what a copy of them says."""

import numpy as np
import pytest

from skmtl import MultiTaskLinearRegressor
from skmtl.linear import TaskStatistics
from skmtl.linear.objective import _some_rows
from skmtl.linear.objective._some_rows import SomeRows, as_floats, rows_of, weighted_sum


@pytest.fixture(params=["wide", "wide, weighted", "long"])
def data(request):
    """X, y and weights; features far from 0, one of them constant."""
    rng = np.random.default_rng(0)
    X = 1e4 + rng.normal(size=(3_000, 5))
    X[:, 2] = 0.1
    Y = (X - 1e4) @ rng.normal(size=(5, 3)) + rng.normal(size=(3_000, 3))
    weights = rng.random(3_000) if "weighted" in request.param else None
    if request.param == "long":
        X[:, 4] = rng.integers(3, size=3_000)
        return X.astype(np.float32).astype(float), Y[:, 0], weights, 4
    Y[rng.random(Y.shape) < 0.3] = np.nan
    assert np.isnan(Y).all(axis=1).any()
    return X, Y, weights, None


@pytest.fixture
def all_are_many(monkeypatch):
    monkeypatch.setattr(_some_rows, "LARGE", 0)
    monkeypatch.setattr(_some_rows, "AT_ONCE", 500)


def test_slices_and_sums():
    X, weights = np.random.default_rng(0).normal(size=(200_000, 30)), np.linspace(-1, 1, 150_000)
    rows = np.random.default_rng(1).permutation(200_000)[:150_000]
    some = rows_of(X, rows)
    assert isinstance(some, SomeRows) and some.shape == X[rows].shape and len(some) == len(rows)
    np.testing.assert_array_equal(some[10:20], X[rows[10:20]])
    np.testing.assert_array_equal(as_floats(some), X[rows])
    np.testing.assert_allclose(weighted_sum(some, weights), weights @ X[rows], rtol=1e-9)


@pytest.mark.parametrize("penalty", ["l2", "l21", "mean_deviation"])
def test_fits_are_those_of_a_copy(data, penalty, request):
    X, y, weights, task_feature = data
    model = MultiTaskLinearRegressor(penalty, alpha=0.01, tol=1e-10, task_feature=task_feature)
    copied = model.fit(X, y, sample_weight=weights)
    found = copied.coef_, copied.intercept_, copied.dual_gap_
    request.getfixturevalue("all_are_many")
    model.fit(X, y, sample_weight=weights)
    np.testing.assert_allclose(model.coef_, found[0], rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(model.intercept_, found[1], rtol=1e-6)
    assert model.dual_gap_ <= max(2 * found[2], 1e-8)
    if task_feature is None:
        np.testing.assert_allclose(model.coef_[:, 2], 0.0, atol=1e-12)


def test_statistics_are_those_of_a_copy(data, request):
    X, y, weights, task_feature = data
    copied = TaskStatistics(task_feature=task_feature).update(X, y, weights)._sums
    request.getfixturevalue("all_are_many")
    found = TaskStatistics(task_feature=task_feature).update(X, y, weights)._sums
    for name in ("gram", "x_mean", "cross", "squares", "y_mean", "omega"):
        ours, theirs = getattr(found, name), getattr(copied, name)
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-7, err_msg=name)
