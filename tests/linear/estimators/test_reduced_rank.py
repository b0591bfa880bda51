"""Reduced-rank regression: exact where it can be, honest where it cannot."""

import numpy as np
import pytest
from scipy import linalg, optimize
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.utils._param_validation import InvalidParameterError
from sklearn.utils.estimator_checks import (
    check_dataframe_column_names_consistency,
    check_estimator,
    check_param_validation,
)

from skmtl import MultiTaskLinearRegressor, stack_tasks
from skmtl.linear.estimators import _reduced_rank
from skmtl.linear.estimators._reduced_rank import ReducedRankRegressor
from skmtl.tasks import Regression

TIGHT = {"tol": 1e-14, "max_iter": 5000}


@pytest.fixture
def data():
    """X (50, 6) not centred, Y (50, 5) of rank 2 with noise; features of unequal scale."""
    rng = np.random.default_rng(0)
    X = rng.normal([0, 1, -1, 3, 0, 2], [1, 2, 0.5, 1, 1, 3], size=(50, 6))
    W = rng.normal(size=(6, 2)) @ rng.normal(size=(2, 5))
    return X, X @ W + [1.0, -2.0, 5.0, 0.0, 3.0] + rng.normal(size=(50, 5))


@pytest.fixture
def gaps(data):
    X, Y = data
    Y = Y.copy()
    Y[np.random.default_rng(1).random(Y.shape) < 0.4] = np.nan
    return X, Y


def objective(W, X, Y, weight, alpha):
    """By its definition, at the best intercepts; W (p, T)."""
    total = 0.5 * alpha * np.sum(W**2)
    for w, y, s in zip(W.T, Y.T, weight.T, strict=True):
        used = ~np.isnan(y) & (s > 0)
        residual, c = (y - X @ w)[used], s[used] / s[used].sum()
        total += 0.5 * c @ (residual - c @ residual) ** 2
    return total


def truncated_in_the_metric_of_the_curvature(X, Y, s, rank, alpha):
    """H^-1/2 [H^1/2 W]_r: the textbook form, through matrix roots."""
    c = s / s.sum()
    X, Y = X - c @ X, Y - c @ Y
    H = X.T @ (c[:, None] * X) + alpha * np.eye(X.shape[1])
    root = linalg.sqrtm(H)
    U, d, Vt = np.linalg.svd(root @ np.linalg.solve(H, X.T @ (c[:, None] * Y)))
    return np.linalg.solve(root, (U[:, :rank] * d[:rank]) @ Vt[:rank])


def same_model(a, b, atol=1e-8):
    np.testing.assert_allclose(a.coef_, b.coef_, atol=atol)
    np.testing.assert_allclose(a.intercept_, b.intercept_, atol=atol)


# -- complete labels: exact -----------------------------------------------------------------


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("alpha", [0.0, 0.1, 3.0])
@pytest.mark.parametrize("weighted", [False, True])
def test_closed_form(rank, alpha, weighted, data):
    X, Y = data
    s = np.random.default_rng(2).uniform(0.1, 3, len(X)) if weighted else np.ones(len(X))
    model = ReducedRankRegressor(rank, alpha=alpha).fit(X, Y, sample_weight=s)
    expected = truncated_in_the_metric_of_the_curvature(X, Y, s, rank, alpha)
    np.testing.assert_allclose(model.coef_, expected.T, atol=1e-9)
    c = s / s.sum()
    np.testing.assert_allclose(model.intercept_, c @ Y - c @ X @ expected)
    assert model.n_iter_ == 1
    assert model.objective_[-1] == pytest.approx(
        objective(expected, X, Y, np.tile(s[:, None], 5), alpha)
    )


def test_a_small_problem_by_hand():
    # X'X / n = I, so that W is the singular value decomposition of X'Y / n = diag(3, 1), cut.
    X = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    model = ReducedRankRegressor(rank=1).fit(X, X * [3.0, 1.0] + 7.0)
    np.testing.assert_allclose(model.coef_, [[3, 0], [0, 0]], atol=1e-12)
    np.testing.assert_allclose(model.components_, [[3, 0]], atol=1e-12)
    np.testing.assert_allclose(model.loadings_, [[1], [0]], atol=1e-12)
    np.testing.assert_allclose(model.intercept_, [7, 7])
    # What is left is the loss of the second task: half of its variance of 1.
    assert model.objective_ == pytest.approx([0.5])


@pytest.mark.parametrize("rank", [None, 5, 60])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_full_rank_is_ridge(rank, fit_intercept, data):
    X, Y = data
    ours = ReducedRankRegressor(rank, alpha=0.2, fit_intercept=fit_intercept).fit(X, Y)
    same_model(ours, Ridge(alpha=0.2 * len(X), fit_intercept=fit_intercept).fit(X, Y))
    assert (ours.rank_, ours.n_iter_) == (5, 1)


def test_full_rank_with_gaps_is_ridge_of_each_task(gaps):
    X, Y = gaps
    ours = ReducedRankRegressor(alpha=0.1).fit(X, Y)
    same_model(ours, MultiTaskLinearRegressor("l2", alpha=0.1).fit(X, Y))


def test_one_task(data):
    X, Y = data
    ours = ReducedRankRegressor(1, alpha=0.0).fit(X, Y[:, 0])
    np.testing.assert_allclose(ours.predict(X), LinearRegression().fit(X, Y[:, 0]).predict(X))
    assert ours.coef_.shape == (1, 6)


@pytest.mark.parametrize("alpha", [0.0, 0.1])
def test_more_features_than_rows(alpha, data):
    X, Y = data[0][:4], data[1][:4]
    ours = ReducedRankRegressor(2, alpha=alpha)
    if alpha:
        ours.fit(X, Y)
        expected = truncated_in_the_metric_of_the_curvature(X, Y, np.ones(4), 2, alpha)
        np.testing.assert_allclose(ours.coef_, expected.T, atol=1e-9)
        return
    with pytest.warns(linalg.LinAlgWarning, match="minimum norm"):
        ours.fit(X, Y)
    # Minimum norm interpolates, and so what is left is Y without its two leading directions.
    left = np.linalg.svd(Y - Y.mean(axis=0), compute_uv=False)[2:]
    assert ours.objective_[-1] == pytest.approx(0.5 / 4 * np.sum(left**2))


def test_task_weights_without_ridge_scale_the_targets(data):
    # Without a ridge, a weight is a scale: W diag(omega)^1/2 solves the scaled problem.
    X, Y = data
    omega = np.array([4.0, 1.0, 0.25, 1.0, 9.0])
    ours = ReducedRankRegressor(2, alpha=0.0, task_weight=omega).fit(X, Y)
    scaled = ReducedRankRegressor(2, alpha=0.0).fit(X, Y * np.sqrt(omega))
    np.testing.assert_allclose(ours.coef_, scaled.coef_ / np.sqrt(omega)[:, None], atol=1e-9)


# -- gaps and weights: alternating ----------------------------------------------------------


@pytest.mark.parametrize("alpha", [0.0, 0.3])
def test_rank_one_against_brute_force(alpha, gaps):
    X, Y = gaps
    weight = np.random.default_rng(3).uniform(0.5, 2, Y.shape)
    ours = ReducedRankRegressor(1, alpha=alpha, **TIGHT).fit(X, Y, sample_weight=weight)

    def value(x):
        return objective(np.outer(x[:6], x[6:]), X, Y, weight, alpha)

    rng = np.random.default_rng(4)
    found = [optimize.minimize(value, rng.normal(size=11), tol=1e-10) for _ in range(8)]
    best = min(found, key=lambda result: result.fun)
    assert ours.objective_[-1] == pytest.approx(best.fun, rel=1e-7)
    np.testing.assert_allclose(ours.coef_, np.outer(best.x[6:], best.x[:6]), atol=1e-4)


@pytest.mark.parametrize("alpha", [0.0, 0.05])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_objective_is_what_it_says_and_never_increases(alpha, rank, gaps):
    X, Y = gaps
    ours = ReducedRankRegressor(rank, alpha=alpha, tol=1e-9).fit(X, Y)
    assert ours.n_iter_ == len(ours.objective_) > 2
    assert (np.diff(ours.objective_) <= 0).all()
    value = objective(ours.coef_.T, X, Y, np.ones(Y.shape), alpha)
    assert ours.objective_[-1] == pytest.approx(value, rel=1e-10)
    assert np.linalg.matrix_rank(ours.coef_, tol=1e-9) == rank


@pytest.mark.parametrize("alpha", [0.0, 0.05])
def test_neither_factor_can_be_improved(alpha, gaps):
    X, Y = gaps
    ours = ReducedRankRegressor(2, alpha=alpha, **TIGHT).fit(X, Y)
    A, B = ours.components_.T, ours.loadings_

    def value(x):
        A_x, B_x = A + x[:12].reshape(A.shape), B + x[12:].reshape(B.shape)
        return objective(A_x @ B_x.T, X, Y, np.ones(Y.shape), alpha)

    gradient = [(value(1e-4 * e) - value(-1e-4 * e)) / 2e-4 for e in np.eye(22)]
    np.testing.assert_allclose(gradient, 0.0, atol=2e-5)


def test_max_iter(gaps):
    with pytest.warns(ConvergenceWarning, match=r"max_iter=2 .*decreased the objective by \d"):
        assert ReducedRankRegressor(1, max_iter=2, tol=1e-12).fit(*gaps).n_iter_ == 2
    with pytest.warns(ConvergenceWarning, match=r"max_iter=1 .*the last one was the start"):
        ReducedRankRegressor(1, max_iter=1).fit(*gaps)


# -- invariances ------------------------------------------------------------------------------


def test_components_are_canonical(data, gaps):
    for X, Y in (data, gaps):
        model = ReducedRankRegressor(3, alpha=0.01).fit(X, Y)
        np.testing.assert_allclose(model.loadings_ @ model.components_, model.coef_, atol=1e-10)
        np.testing.assert_allclose(model.loadings_.T @ model.loadings_, np.eye(3), atol=1e-12)
        assert (np.abs(model.loadings_).max(axis=0) == model.loadings_.max(axis=0)).all()
        spread = ((X - X.mean(axis=0)) @ model.components_.T).std(axis=0)
        assert (np.diff(spread) < 0).all()


def test_weights_are_repeated_rows(gaps):
    X, Y = gaps
    times = np.random.default_rng(5).integers(0, 4, len(X))
    weighted = ReducedRankRegressor(2, alpha=0.1, **TIGHT).fit(X, Y, sample_weight=times)
    rows = np.repeat(np.arange(len(X)), times)
    same_model(weighted, ReducedRankRegressor(2, alpha=0.1, **TIGHT).fit(X[rows], Y[rows]), 1e-7)


def test_weight_zero_is_unobserved(gaps):
    X, Y = gaps
    filled = np.where(np.isnan(Y), 1e3, Y)
    weighted = ReducedRankRegressor(2).fit(X, filled, sample_weight=1.0 - np.isnan(Y))
    assert (weighted.coef_ == ReducedRankRegressor(2).fit(X, Y).coef_).all()


def test_permuted_tasks(gaps):
    X, Y = gaps
    order = [3, 0, 4, 1, 2]
    model = ReducedRankRegressor(2, alpha=0.1, **TIGHT).fit(X, Y)
    permuted = ReducedRankRegressor(2, alpha=0.1, **TIGHT).fit(X, Y[:, order])
    np.testing.assert_allclose(permuted.coef_, model.coef_[order], atol=1e-7)
    np.testing.assert_allclose(permuted.loadings_, model.loadings_[order], atol=1e-6)


def test_long_is_wide(gaps):
    X, Y = gaps
    wide = ReducedRankRegressor(2, alpha=0.1).fit(X, Y)
    used = [~np.isnan(y) for y in Y.T]
    X_long, y = stack_tasks([X[u] for u in used], [y[u] for y, u in zip(Y.T, used, strict=True)])
    options = {"task_feature": 0, "unknown_task": "shared"}
    long = ReducedRankRegressor(2, alpha=0.1, **options).fit(X_long, y)
    same_model(long, wide)
    new = np.column_stack([np.full(len(X), 3), X])
    np.testing.assert_allclose(long.predict(new), wide.predict(X)[:, 3])
    new[:, 0] = 99
    np.testing.assert_allclose(long.predict(new), X @ wide.coef_.mean(0) + wide.intercept_.mean())


def test_a_task_without_labels_or_weight_changes_no_other(gaps):
    X, Y = gaps
    model = ReducedRankRegressor(2, alpha=0.1, **TIGHT).fit(X, Y)
    with pytest.warns(UserWarning, match="no observed label"):
        more = ReducedRankRegressor(2, alpha=0.1, **TIGHT).fit(
            X, np.column_stack([Y, np.full(len(X), np.nan)])
        )
    assert (more.coef_[:5] == model.coef_).all()
    assert np.isnan(more.predict(X)[:, 5]).all()
    assert not more.loadings_[5].any()
    weight = [1, 1, 1, 1, 1, 0]
    noise = np.random.default_rng(6).normal(size=len(X)) * 10
    zero = ReducedRankRegressor(2, alpha=0.1, task_weight=weight, **TIGHT)
    zero.fit(X, np.column_stack([Y, noise]))
    np.testing.assert_allclose(zero.coef_[:5], model.coef_, atol=1e-5)
    assert np.isfinite(zero.predict(X)).all()


def test_constant_targets(data):
    model = ReducedRankRegressor(1).fit(data[0], np.full((50, 2), 3.5))
    np.testing.assert_allclose(model.predict(data[0]), 3.5)


@pytest.mark.parametrize("scale", [1e-9, 1e9])
def test_scale_of_targets(scale, gaps):
    X, Y = gaps
    model = ReducedRankRegressor(2, alpha=0.1).fit(X, Y)
    scaled = ReducedRankRegressor(2, alpha=0.1).fit(X, Y * scale)
    np.testing.assert_allclose(scaled.coef_, model.coef_ * scale, rtol=1e-6)
    assert scaled.n_iter_ == model.n_iter_


# -- contract ---------------------------------------------------------------------------------


def test_other_losses_are_refused(data):
    X, Y = data
    with pytest.raises(ValueError, match=r"Task 1 is Regression\(loss='huber'\); ReducedRank"):
        ReducedRankRegressor(tasks={1: Regression(loss="huber")}).fit(X, Y)
    with pytest.raises(ValueError, match=r"Task 0 is Count\(\); .*squared loss only"):
        ReducedRankRegressor(tasks="count").fit(X, np.arange(50))
    with pytest.raises(InvalidParameterError, match="rank"):
        ReducedRankRegressor(0).fit(X, Y)


def test_memory_limit(gaps, monkeypatch):
    monkeypatch.setattr(_reduced_rank, "MAX_GRAM_BYTES", 5 * 6 * 6 * 8 - 1)
    with pytest.raises(ValueError, match=r"Gram matrix for each pattern.*TruncatedSVD"):
        ReducedRankRegressor(2).fit(*gaps)


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::scipy.linalg.LinAlgWarning")
@pytest.mark.parametrize("model", [ReducedRankRegressor(), ReducedRankRegressor(1, alpha=0.1)])
def test_scikit_learn_checks(model):
    # The labels of that check are free of noise, with fewer rows than features: alpha="auto" is
    # 2e-8, and directions keep no more than seven digits, of which transform, unlike predictions,
    # shows all. A given alpha passes.
    loose = {}
    if model.alpha == "auto":
        kinds = ("dense", "sparse")
        loose = {f"check_sample_weight_equivalence_on_{k}_data": "seven digits" for k in kinds}
    check_estimator(model, expected_failed_checks=loose)
    check_param_validation("ReducedRankRegressor", model)
    check_dataframe_column_names_consistency("ReducedRankRegressor", model)
