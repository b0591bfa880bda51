"""Steps for few labels with classes lead where those of any loss do."""

import numpy as np
import pytest

from skmtl import MultiTaskLinear
from skmtl.linear.solvers.newton import _class_newton as class_newton


@pytest.fixture
def data():
    """X (90, 4), labels of two tasks of three and four classes with gaps, weights, some of 0."""
    rng = np.random.default_rng(0)
    X = rng.normal([0.0, 1.0, -30.0, 0.5], [1.0, 2.0, 1.0, 0.1], size=(90, 4))
    F = (X - X.mean(axis=0)) @ rng.normal(size=(4, 2)) + rng.logistic(size=(90, 2))
    Y = np.column_stack([np.digitize(F[:, 0], [-1.0, 1.0]), np.digitize(F[:, 1], [-1.0, 0.0, 1.0])])
    Y = np.where(rng.random(Y.shape) < 0.2, np.nan, Y)
    return X, Y, rng.uniform(0.5, 2.0, Y.shape) * (rng.random(Y.shape) < 0.9)


@pytest.fixture
def numbers_of_steps(monkeypatch):
    """How many steps were taken here, by each fit."""
    found, solve = [], class_newton.class_newton

    def recorded(*problem):
        start, n_iter = solve(*problem)
        found.append(n_iter)
        return start, n_iter

    monkeypatch.setattr("skmtl.linear.solvers._newton.class_newton", recorded)
    return found


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("alpha", [1e-5, 0.05, 100.0])
def test_the_same_optimum(alpha, intercept, data, numbers_of_steps, monkeypatch):
    X, Y, weights = data
    options = {"alpha": alpha, "tasks": "multiclass", "fit_intercept": intercept, "tol": 1e-10}
    few = MultiTaskLinear("l2", **options).fit(X, Y, sample_weight=weights)
    assert 1 <= numbers_of_steps[-1] == few.n_iter_ < 20 and few.dual_gap_ <= 1e-9
    monkeypatch.setattr(class_newton, "MAX_PRODUCTS", 0)
    other = MultiTaskLinear("l2", **options).fit(X, Y, sample_weight=weights)
    assert numbers_of_steps[-1] == 0
    for raw in zip(few.coef_, other.coef_, strict=True):
        np.testing.assert_allclose(*raw, atol=1e-3 * np.abs(raw[1]).max())
    for p in zip(few.predict_proba(X), other.predict_proba(X), strict=True):
        np.testing.assert_allclose(*p, atol=1e-5)


def test_a_start_is_used(data, numbers_of_steps):
    X, Y, weights = data
    options = {"tasks": "multiclass", "tol": 1e-8, "warm_start": True}
    model = MultiTaskLinear("l2", alpha=0.05, **options)
    first = model.fit(X, Y, sample_weight=weights).n_iter_
    assert model.fit(X, Y, sample_weight=weights).n_iter_ == 1 < first
    assert numbers_of_steps == [first, 0]


def test_labels_without_weight_have_no_influence(data):
    X, Y, weights = data
    model = MultiTaskLinear("l2", alpha=0.05, tasks="multiclass", tol=1e-10)
    coef = [of_task.copy() for of_task in model.fit(X, Y, sample_weight=weights).coef_]
    changed = np.where(weights == 0.0, (Y + 1.0) % 3, Y)
    model.fit(np.where(np.isin(weights, 0.0).all(axis=1)[:, None], 7.0, X), changed, weights)
    for before, after in zip(coef, model.coef_, strict=True):
        np.testing.assert_array_equal(before, after)


def test_other_problems_are_left_alone(data, numbers_of_steps):
    X, Y, _ = data
    for options in (
        {"penalty": "l2", "tasks": ["multiclass", "regression"]},
        {"penalty": "mean_deviation", "tasks": "multiclass"},
        {"penalty": "l2", "tasks": "multiclass", "intercept_alpha": 1.0},
    ):
        MultiTaskLinear(alpha=0.05, **options).fit(X, np.nan_to_num(Y) % 3)
        assert numbers_of_steps[-1] == 0
