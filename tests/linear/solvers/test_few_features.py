"""A lasso on the Gram matrix of few features: the same solution, with an honest certificate."""

import numpy as np
import pytest

from skmtl.linear import MultiTaskElasticNet, MultiTaskLasso
from skmtl.linear.solvers import _few_features, _row_descent
from skmtl.linear.solvers._few_features import LazyGramSpace, sampled_space
from skmtl.linear.solvers._row_descent import row_descent
from skmtl.linear.solvers._spaces import GramSpace

N, P, T, USED = 6_000, 100, 3, 8


@pytest.fixture(scope="module")
def data():
    """Correlated features, of which some matter, with means."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, P))
    X[:, 1:] += 0.5 * X[:, :-1]
    X += rng.normal(size=P)
    W = np.zeros((P, T))
    W[rng.choice(P, USED, replace=False)] = rng.normal(size=(USED, T))
    Y = X @ W + 2.0 * rng.normal(size=(N, T))
    return X, Y - Y.mean(axis=0)


def spaces(X, Y):
    """The lazy one, and that of the whole matrix."""
    means = X.mean(axis=0)
    centred, squares = X - means, float(np.vdot(Y, Y))
    whole = GramSpace(centred.T @ centred, centred.T @ Y, squares)
    return sampled_space(X, Y, means, squares), whole


def largest_alpha(space):
    return float(np.linalg.norm(space.targets, axis=1).max())


def gap_of(X, Y, W, alpha):
    """Duality gap over all features, by the formula."""
    X = X - X.mean(axis=0)
    R = Y - X @ W
    scale = min(1.0, alpha / np.linalg.norm(X.T @ R, axis=1).max())
    primal = 0.5 * np.vdot(R, R) + alpha * np.linalg.norm(W, axis=1).sum()
    return primal - (scale * np.vdot(R, Y) - 0.5 * scale**2 * np.vdot(R, R))


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("l1_ratio", [1.0, 0.7])
def test_the_whole_matrix_gives_the_same(data, order, l1_ratio):
    X, Y = np.array(data[0], order=order), data[1]
    lazy, whole = spaces(X, Y)
    alpha, start = 0.1 * largest_alpha(whole), np.zeros((P, T))
    options = {"tol": 1e-12, "max_iter": 1000}
    found = row_descent(lazy, alpha, l1_ratio, start, **options)
    expected = row_descent(whole, alpha, l1_ratio, start, **options)
    assert "gram" not in vars(lazy)
    assert found.gap <= 1e-12 * lazy.squares
    np.testing.assert_allclose(found.W, expected.W, atol=1e-6)
    assert ((found.W != 0) == (expected.W != 0)).all()


def test_the_gap_is_that_of_all_features(data):
    X, Y = data
    lazy, _ = spaces(X, Y)
    alpha = 0.1 * largest_alpha(lazy)
    found = row_descent(lazy, alpha, 1.0, np.zeros((P, T)), tol=1e-4, max_iter=1000)
    assert "gram" not in vars(lazy)
    np.testing.assert_allclose(found.gap, gap_of(X, Y, found.W, alpha), rtol=1e-6)
    assert found.gap <= 1e-4 * lazy.squares


def test_a_sample_that_lies_costs_no_digits(data, monkeypatch):
    X, Y = data
    lazy, whole = spaces(X, Y)
    alpha = 0.1 * largest_alpha(whole)
    expected = row_descent(whole, alpha, 1.0, np.zeros((P, T)), tol=1e-12, max_iter=1000)
    # It takes half of the features that matter for useless.
    useful = np.flatnonzero(expected.W.any(axis=1))
    monkeypatch.setattr(LazyGramSpace, "_guess", lambda self, terms: useful[::2])
    found = row_descent(lazy, alpha, 1.0, np.zeros((P, T)), tol=1e-12, max_iter=1000)
    np.testing.assert_allclose(found.W, expected.W, atol=1e-6)
    assert gap_of(X, Y, found.W, alpha) <= 1e-11 * lazy.squares


def test_many_features_take_the_whole_matrix(data):
    X, Y = data
    lazy, whole = spaces(X, Y)
    alpha, options = 1e-3 * largest_alpha(whole), {"tol": 1e-12, "max_iter": 1000}
    found = row_descent(lazy, alpha, 1.0, np.zeros((P, T)), **options)
    expected = row_descent(whole, alpha, 1.0, np.zeros((P, T)), **options)
    assert "gram" in vars(lazy)
    np.testing.assert_allclose(found.W, expected.W, atol=1e-6)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda X, Y: (X[:100], Y[:100]), id="few rows"),
        pytest.param(lambda X, Y: (X + 1e3, Y), id="a mean that takes digits"),
    ],
)
def test_what_the_whole_matrix_is_formed_for(data, change):
    X, Y = change(*data)
    assert sampled_space(X, Y, X.mean(axis=0), 1.0) is None


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_fits_are_the_same(data, fit_intercept, monkeypatch):
    X, Y = data[0], data[1]
    X, Y = (X, Y + 3.0) if fit_intercept else (X - X.mean(axis=0) + 0.1, Y)
    options = {"alpha": 0.3, "tol": 1e-10, "fit_intercept": fit_intercept}
    models = MultiTaskLasso(**options), MultiTaskElasticNet(l1_ratio=0.8, **options)
    used = []
    few_features = LazyGramSpace.few_features

    def seen(self, *arguments, **options):
        used.append(few_features(self, *arguments, **options))
        return used[-1]

    monkeypatch.setattr(LazyGramSpace, "few_features", seen)
    found = [model.fit(X, Y).coef_ for model in models]
    assert len(used) == 2
    assert all(solution is not None for solution in used)
    monkeypatch.setattr(_row_descent, "sampled_space", lambda *data: None)
    for model, coef in zip(models, found, strict=True):
        np.testing.assert_allclose(coef, model.fit(X, Y).coef_, atol=1e-6)


def test_no_feature_matters(data):
    X, Y = data
    lazy, whole = spaces(X, Y)
    found = row_descent(lazy, 2 * largest_alpha(whole), 1.0, np.ones((P, T)), tol=1e-6, max_iter=9)
    assert not found.W.any()
    assert found.gap <= 1e-6 * lazy.squares


def test_shapes_here_are_large_enough():
    assert N * P**2 > _few_features.WORTHWHILE
