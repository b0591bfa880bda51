"""Closed forms whose Gram matrices have too few digits: solved again on rows."""

import warnings

import numpy as np
import pytest
from scipy import sparse

from skmtl import MultiTaskLinearRegressor
from skmtl.linear.penalties import Graph
from skmtl.linear.solvers import _stacked_rows

ALPHA = 1e-15


def data(n_samples, n_features, closeness=1e-6):
    """Features of which two are nearly sums of others, and labels with a gap."""
    rng = np.random.default_rng(n_samples)
    X = rng.normal(size=(n_samples, n_features))
    X[:, 1] = X[:, 0] + closeness * rng.normal(size=n_samples)
    X[:, 3] = X[:, 0] + X[:, 2] + closeness * rng.normal(size=n_samples)
    Y = X[:, :3] @ rng.normal(size=(3, 3)) + rng.normal(size=(n_samples, 3))
    Y[0, 0] = np.nan
    return X, Y


PENALTIES = {
    "l2": ("l2", np.eye(3)),
    "mean_deviation": ("mean_deviation", np.eye(3) - 1 / 3),
    "graph": (Graph(1 - np.eye(3)), 3 * (np.eye(3) - 1 / 3)),
}


def stack(X, Y, Q, pulled):
    """Rows of all tasks, and of the penalties, over which the sum of squares is least."""
    (n_samples, p), n_tasks = X.shape, Y.shape[1]
    values, vectors = np.linalg.eigh(Q)
    R = np.sqrt(np.maximum(values, 0.0))[:, None] * vectors.T
    rows, labels = [], []
    for t in range(n_tasks):
        seen = ~np.isnan(Y[:, t])
        of_task = np.zeros((n_samples, n_tasks, p + 1))
        of_task[:, t] = np.column_stack([X, np.ones(n_samples)])
        rows.append(of_task[seen] / np.sqrt(seen.sum()))
        labels.append(Y[seen, t] / np.sqrt(seen.sum()))
    for j in range(p):
        of_feature = np.zeros((n_tasks, n_tasks, p + 1))
        of_feature[:, :, j] = np.sqrt(ALPHA) * R
        rows.append(of_feature)
    of_intercepts = np.zeros((n_tasks, n_tasks, p + 1))
    of_intercepts[:, :, p] = np.sqrt(pulled) * (np.eye(n_tasks) - 1 / n_tasks)
    A = np.concatenate([*rows, of_intercepts]).reshape(-1, n_tasks * (p + 1))
    y = np.concatenate(labels)
    return A, np.append(y, np.zeros(len(A) - len(y)))


def least_squares(A, y):
    """By singular values, refined with residuals of more digits."""
    exact, target = A.astype(np.longdouble), y.astype(np.longdouble)
    inverse, x = np.linalg.pinv(A, rcond=1e-14), np.zeros(A.shape[1], dtype=np.longdouble)
    for _ in range(5):
        x += inverse @ (target - exact @ x).astype(float)
    return objective(A, y, x)


def objective(A, y, x):
    residual = y.astype(np.longdouble) - A.astype(np.longdouble) @ x
    return float(residual @ residual) / 2


def fit(penalty, pulled, X, y, **options):
    """The model, and what it warns of."""
    model = MultiTaskLinearRegressor(
        penalty, alpha=ALPHA, shared_alpha=0.0, intercept_alpha=pulled, **options
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        return model.fit(X, y), [str(warning.message) for warning in caught]


@pytest.mark.parametrize("name", PENALTIES)
@pytest.mark.parametrize("pulled", [0.0, 0.5])
@pytest.mark.parametrize("shape", [(40, 6), (5, 10)])
@pytest.mark.parametrize("closeness", [1e-4, 1e-6, 1e-8])
def test_as_good_as_least_squares_with_more_digits(name, pulled, shape, closeness):
    X, Y = data(*shape, closeness)
    penalty, Q = PENALTIES[name]
    model, told = fit(penalty, pulled, X, Y)
    A, y = stack(X, Y, Q, pulled)
    best = least_squares(A, y)
    found = objective(A, y, np.column_stack([model.coef_, model.intercept_]).ravel())
    constant = np.nanvar(Y, axis=0).sum() / 2
    assert found - best <= 1e-7 * constant
    # The gap bounds what is left, and is told where it is large; nothing is told twice.
    assert found - best <= model.dual_gap_ + 1e-10 * constant
    is_told = any("is certified to a duality gap of" in message for message in told)
    assert is_told == (model.dual_gap_ > 1e-4 * constant)
    assert len(told) == len(set(told))


@pytest.mark.parametrize("pulled", [0.0, 0.5])
def test_the_same_objective_of_sparse_features_and_in_long_form(pulled):
    X, Y = data(40, 6)
    seen = ~np.isnan(Y.ravel())
    long = np.column_stack([np.repeat(X, 3, axis=0), np.tile(np.arange(3), 40)])
    A, y = stack(X, Y, PENALTIES["mean_deviation"][1], pulled)
    best = least_squares(A, y)
    for model in (
        fit("mean_deviation", pulled, sparse.csr_array(X), Y)[0],
        fit("mean_deviation", pulled, long[seen], Y.ravel()[seen], task_feature=6)[0],
    ):
        found = objective(A, y, np.column_stack([model.coef_, model.intercept_]).ravel())
        assert found == pytest.approx(best, rel=1e-7)


@pytest.mark.parametrize("as_given", [np.asarray, sparse.csr_array, sparse.csc_array])
def test_blocks_of_rows_give_what_all_of_them_do(as_given, monkeypatch):
    X, Y = data(40, 6)
    whole, _ = fit("l2", 0.0, as_given(X), Y)
    monkeypatch.setattr(_stacked_rows, "AT_ONCE", 60)
    n_rows, qr = [], np.linalg.qr
    monkeypatch.setattr(np.linalg, "qr", lambda A, **how: (n_rows.append(len(A)), qr(A, **how))[1])
    found, _ = fit("l2", 0.0, as_given(X), Y)
    assert 9 < max(n_rows) <= 17
    A, y = stack(X, Y, PENALTIES["l2"][1], 0.0)
    objectives = [
        objective(A, y, np.column_stack([model.coef_, model.intercept_]).ravel())
        for model in (found, whole)
    ]
    assert objectives[0] == pytest.approx(objectives[1], rel=1e-10)


def test_rows_whose_columns_are_the_same_have_many_solutions():
    X, Y = data(40, 6, closeness=0.0)
    model, told = fit("l2", 0.0, X, Y)
    assert sum("not unique" in message for message in told) == 1
    # The smallest of them are at right angles to what X does not see.
    unseen = np.array([[1.0, -1, 0, 0, 0, 0], [1, 0, 1, -1, 0, 0]])
    np.testing.assert_allclose(model.coef_ @ unseen.T, 0.0, atol=1e-6)
