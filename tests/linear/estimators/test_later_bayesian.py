"""MultiTaskBayesianLinear and tasks that come later: the posterior of the whole model."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.linalg import block_diag

from skmtl import MultiTaskBayesianLinear

N_KNOWN, N_ROWS, N_FEW, P = 12, 15, 6, 3


def draw(seed=0):
    """Rows (task, features) of known tasks and of one more, and all labels."""
    rng = np.random.default_rng(seed)
    sizes = [N_ROWS] * N_KNOWN + [N_FEW + 200]
    task = np.repeat(np.arange(N_KNOWN + 1), sizes)
    X = 3.0 + rng.normal(size=(len(task), P)) * [1.0, 5.0, 0.2]
    W = rng.normal(1.0, 0.7, size=(N_KNOWN + 1, P)) / [1.0, 5.0, 0.2]
    y = 7.0 + (X * W[task]).sum(axis=1) + 0.5 * rng.normal(size=len(task))
    return np.column_stack([task, X]), y, task == N_KNOWN


@pytest.mark.parametrize("covariance", ["scalar", "full"])
def test_the_posterior_of_all_tasks_at_once(covariance):
    """Generalised least squares over the rows of all tasks, with the variances of the fit."""
    X, y, is_new = draw()
    model = MultiTaskBayesianLinear(
        covariance, task_feature=0, noise="shared", shared_prior=False
    ).fit(X[~is_new], y[~is_new])
    few = np.flatnonzero(is_new)[:N_FEW]
    rows = np.r_[np.flatnonzero(~is_new), few]
    Z = np.column_stack([np.ones(len(rows)), X[rows, 1:]])
    of_task = [Z[X[rows, 0] == t] for t in range(N_KNOWN + 1)]
    Sigma, noise = model.covariance_, model.noise_variance_[0]
    V = block_diag(*(z @ Sigma @ z.T for z in of_task)) + noise * np.eye(len(rows))
    inverse = np.linalg.inv(V)
    C = np.linalg.inv(Z.T @ inverse @ Z)
    m = C @ Z.T @ inverse @ y[rows]
    to_new = np.zeros((P + 1, len(rows)))
    to_new[:, -N_FEW:] = Sigma @ of_task[-1].T
    expected = m + to_new @ inverse @ (y[rows] - Z @ m)
    F = np.eye(P + 1) - to_new @ inverse @ Z
    covariance_of_new = Sigma - to_new @ inverse @ to_new.T + F @ C @ F.T

    model.add_task(X[few], y[few])
    assert_allclose(np.r_[model.intercept_[-1], model.coef_[-1]], expected, rtol=1e-6)
    assert_allclose(model.coef_cov_[-1], covariance_of_new[1:, 1:], rtol=1e-5)
    std = model.predict(X[is_new], return_std=True)[1]
    z = np.column_stack([np.ones(is_new.sum()), X[is_new, 1:]])
    assert_allclose(std**2, noise + ((z @ covariance_of_new) * z).sum(axis=1), rtol=1e-5)
    assert_allclose(model.noise_variance_[-1], noise)


def test_intervals_of_new_tasks_cover_and_others_stay_to_the_bit():
    rng = np.random.default_rng(0)
    task = np.repeat(np.arange(100), 30)
    X = rng.normal(size=(3000, P))
    W = rng.normal(1.0, 0.7, size=(100, P))
    y = (X * W[task]).sum(axis=1) + 0.5 * rng.normal(size=3000)
    X, known, inside = np.column_stack([task, X]), task < 40, []
    model = MultiTaskBayesianLinear("scalar", task_feature=0).fit(X[known], y[known])
    of_known, cov = model.predict_interval(X[known]), model.coef_cov_
    for new in range(40, 100):
        few, rest = np.split(np.flatnonzero(task == new), [N_FEW])
        model.add_task(X[few], y[few])
        assert (model.predict_interval(X[known]) == of_known).all()
        assert (model.coef_cov_[:-1] == cov).all()
        low, high = model.predict_interval(X[rest]).T
        inside.append(((low <= y[rest]) & (y[rest] <= high)).mean())
        model.drop_task(new)
    assert (model.predict_interval(X[known]) == of_known).all()
    assert 0.87 < np.mean(inside) < 0.93


def test_columns_have_locations_of_their_own():
    """The mean of few labels is not where the labels of all rows have theirs."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 2))
    Y = X @ rng.normal(3.0, 1.0, size=(2, 9)) + 0.1 * rng.normal(size=(300, 9))
    few = np.flatnonzero(X[:, 0] > 1.0)[:15]
    model = MultiTaskBayesianLinear().fit(X, Y[:, :8]).add_task(X[few], 1e6 + 1e3 * Y[few, 8])
    ours = (model.predict(X)[:, 8] - 1e6) / 1e3
    assert np.sqrt(np.mean((ours - Y[:, 8]) ** 2)) < 0.2


def test_without_intercepts_weights_and_constant_labels():
    X, y, is_new = draw()
    new = np.flatnonzero(is_new)[:N_FEW]
    model = MultiTaskBayesianLinear(task_feature=0, fit_intercept=False)
    weight = np.where(np.arange(N_FEW) < 2, 2.0, 1.0)
    model.fit(X[~is_new], y[~is_new]).add_task(X[new], y[new], sample_weight=weight)
    assert not model.intercept_.any()
    twice = np.r_[new, new[:2]]
    coef = model.coef_[-1].copy()
    assert_allclose(model.drop_task(12.0).add_task(X[twice], y[twice]).coef_[-1], coef, rtol=1e-7)
    wide = MultiTaskBayesianLinear().fit(X[:, 1:], np.column_stack([y, -y]))
    wide.add_task(X[:1, 1:], [5.0]).add_task(X[:9, 1:], np.full(9, 5.0))
    found = wide.predict(X[:, 1:])
    assert np.isfinite(found).all()
    assert wide.predict(X[:1, 1:])[0, 2] == pytest.approx(5.0, abs=1e-3)


def test_other_losses_are_refused():
    X, y, _ = draw()
    model = MultiTaskBayesianLinear().fit(X[:, 1:], np.column_stack([y, -y]))
    with pytest.raises(ValueError, match=r"MultiTaskBayesianLinear fits squared loss only"):
        model.add_task(X[:, 1:], np.abs(y).round(), task="count")
    with pytest.raises(ValueError, match="reads every task as regression"):
        model.add_task(X[:, 1:], y > 0, task="binary")
    model.add_task(X[:, 1:], np.abs(y).round())
    assert [type(task).__name__ for task in model.tasks_] == ["Regression"] * 3
