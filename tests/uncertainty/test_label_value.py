"""label_value: the variances of an estimator that was told the label, whatever the label is."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.gaussian_process.kernels import RBF

from skmtl import (
    MultiTaskBayesianLinear,
    MultiTaskGaussianProcessRegressor,
    MultiTaskLinear,
    stack_tasks,
)
from skmtl.kernel import _gaussian_next_label
from skmtl.linear.bayesian._predictor import RandomCoefficients
from skmtl.uncertainty import label_value


def data(n=30, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3))
    W = rng.normal(size=(3, 1)) + 0.5 * rng.normal(size=(3, 3))
    Y = X @ W + rng.normal(size=(n, 3))
    Y[rng.random(Y.shape) < 0.4] = np.nan
    Y[:5] = np.nan
    return X, Y


def dense_reduction(X, Y, found, is_free, row, task):
    """Variance less of all tasks at the first five rows, from the covariance of all labels."""
    w = found.coordinates.rows(X)
    T, d = Y.shape[1], w.shape[1]
    # Coefficients of all tasks: a common mean, deviations, and intercepts nothing is known of.
    prior = np.kron(np.ones((T, T)), prior_of_mean(found)) + np.kron(np.eye(T), found.L @ found.L.T)
    if is_free:
        prior += np.kron(np.eye(T), np.diag(np.r_[1e7, np.zeros(d - 1)]))

    def variance(cells):
        A = np.zeros((len(cells), T * d))
        for k, (i, t) in enumerate(cells):
            A[k, t * d : (t + 1) * d] = w[i]
        noise = np.diag([found.noise[t] for _, t in cells])
        K = A @ prior @ A.T + noise
        left = prior - prior @ A.T @ np.linalg.solve(K, A @ prior)
        return sum(
            w[i] @ left[t * d : (t + 1) * d, t * d : (t + 1) * d] @ w[i]
            for i in range(5)
            for t in range(T)
        )

    known = [tuple(cell) for cell in np.argwhere(np.isfinite(Y))]
    return variance(known) - variance([*known, (row, task)])


def prior_of_mean(found: RandomCoefficients):
    """Of the model with shared_prior, from the covariance after the labels; 0 without."""
    if not found.C.any():
        return np.zeros_like(found.C)
    d = len(found.C)
    B = np.zeros((d, d))
    for t, group in enumerate(found.group):
        A = found.U[group] @ found.U[group].T
        B += np.linalg.solve(found.noise[t] * np.eye(d) + A @ found.L @ found.L.T, A)
    free = np.flatnonzero(found.C.any(axis=1))
    prior = np.zeros((d, d))
    at = np.ix_(free, free)
    prior[at] = np.linalg.inv(np.linalg.inv(found.C[at]) - B[at])
    return prior


@pytest.mark.parametrize("shared_prior", [True, "auto"])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_is_the_variance_that_a_label_takes_away(fit_intercept, shared_prior):
    X, Y = data()
    model = MultiTaskBayesianLinear(
        "scalar", noise="task", shared_prior=shared_prior, fit_intercept=fit_intercept
    ).fit(X, Y)
    found = model._found
    value = label_value(model, X, reference=X[:5])
    assert value.shape == (30, 3)
    for row, task in [(0, 0), (3, 2), (10, 1)]:
        expected = dense_reduction(X, Y, found, fit_intercept, row, task)
        assert_allclose(value[row, task], expected, rtol=1e-3)


def test_long_form_is_the_same():
    X, Y = data()
    options = {"noise": "shared", "shared_prior": True, "fit_intercept": False}
    Y /= np.sqrt(np.nanmean(Y**2, axis=0))
    wide = MultiTaskBayesianLinear("scalar", tol=1e-12, **options).fit(X, Y)
    rows, y = stack_tasks(
        [X[np.isfinite(Y[:, t])] for t in range(3)], [Y[np.isfinite(Y[:, t]), t] for t in range(3)]
    )
    long = MultiTaskBayesianLinear("scalar", task_feature=0, tol=1e-12, **options).fit(rows, y)
    all_rows, _ = stack_tasks([X] * 3, [np.zeros(30)] * 3)
    assert_allclose(label_value(long, all_rows), label_value(wide, X).T.ravel(), rtol=1e-3)


def test_of_a_gaussian_process_too():
    X, Y = data()
    B = np.array([[2.0, 1.0, 0.5], [1.0, 2.0, 0.5], [0.5, 0.5, 1.0]])

    def fitted(Y):
        return MultiTaskGaussianProcessRegressor(
            RBF(2.0),
            task_covariance=B,
            noise=np.array([0.5, 0.3, 1.0]),
            optimizer=None,
            feature_scaling=None,
            fit_intercept=False,
        ).fit(X, Y)

    def variances(model):
        return np.einsum("itit->it", model._posterior_covariance(X[:5]))

    model = fitted(Y)
    pending = np.zeros((30, 3), dtype=bool)
    more, gained = Y.copy(), 0.0
    for row, task in [(0, 0), (3, 2), (4, 1)]:
        more[row, task] = 1.0
        less = (variances(model) - variances(fitted(more))) / model._scale**2
        gained += label_value(model, X, reference=X[:5], pending=pending)[row, task]
        assert_allclose(gained, less.sum(), rtol=1e-6)
        pending[row, task] = True


def test_labels_of_a_gaussian_process_are_worth_the_same_in_parts(monkeypatch):
    X, Y = data()
    Y = np.column_stack([Y, np.full(30, 7.0)])
    options = {"task_covariance": "shared", "unknown_task": "shared"}
    wide = MultiTaskGaussianProcessRegressor(RBF(2.0), task_covariance="shared").fit(X, Y)
    rows, y = stack_tasks([X] * 3, list(Y[:, :3].T))
    long = MultiTaskGaussianProcessRegressor(RBF(2.0), task_feature=0, **options).fit(rows, y)
    asked = np.vstack([rows[::5], [[9.0, 0.1, 0.2, 0.3]]])
    cases = [(wide, X, np.arange(120).reshape(30, 4) % 7 == 0), (long, asked, asked[:, 1] > 0.5)]
    for model, new, pending in cases:
        monkeypatch.setattr(_gaussian_next_label, "LABELS_AT_ONCE", 2**12)
        whole = label_value(model, new, reference=new[3:], pending=pending)
        monkeypatch.setattr(_gaussian_next_label, "LABELS_AT_ONCE", 7)
        assert_allclose(label_value(model, new, reference=new[3:], pending=pending), whole)
    assert np.isfinite(whole).all()
    # A label that is the same as all others tells nothing of them.
    assert np.isnan(label_value(wide, X)[:, 3]).all()
    assert np.isfinite(label_value(wide, X)[:, :3]).all()


def test_labels_asked_for_count_as_known():
    X, Y = data()
    model = MultiTaskBayesianLinear("scalar", shared_prior=True, noise="task").fit(X, Y)
    pending, total = np.zeros((30, 3), dtype=bool), 0.0
    for cell in [(0, 0), (3, 2), (0, 1)]:
        total += label_value(model, X, reference=X[:5], pending=pending)[cell]
        pending[cell] = True
    other, back = np.zeros((30, 3), dtype=bool), 0.0
    for cell in [(0, 1), (0, 0), (3, 2)]:
        back += label_value(model, X, reference=X[:5], pending=other)[cell]
        other[cell] = True
    assert_allclose(total, back)
    # A label of which much is known already is worth less.
    before, after = (label_value(model, X, pending=mask) for mask in (None, pending))
    assert (after[pending] < before[pending]).all()


def test_costs_by_name():
    X, Y = data()
    frame = pd.DataFrame(Y, columns=["a", "b", "c"])
    model = MultiTaskBayesianLinear("scalar").fit(X, frame)
    value = label_value(model, X, {"c": 4.0, "a": 1.0, "b": 2.0})
    assert_allclose(value * [1.0, 2.0, 4.0], label_value(model, X))
    for wrong in ([1.0, 2.0], [1.0, 0.0, 1.0], [1.0, np.nan, 1.0]):
        with pytest.raises(ValueError, match="above 0 for each of 3 tasks"):
            label_value(model, X, wrong)


def test_tasks_and_estimators_it_knows_nothing_of():
    X, Y = data()
    with pytest.raises(ValueError, match="MultiTaskLinear does not know covariances"):
        label_value(MultiTaskLinear().fit(X, Y), X)
    Y[:, 1] = np.nan
    model = MultiTaskBayesianLinear().fit(X, Y)
    value = label_value(model, X)
    assert np.isnan(value[:, 1]).all()
    assert np.isfinite(value[:, [0, 2]]).all()
    rows = np.column_stack([X, np.arange(30) % 3])
    long = MultiTaskBayesianLinear(task_feature=3, unknown_task="shared").fit(rows, X[:, 0])
    assert label_value(long, rows, [1.0, 2.0, 3.0]).shape == (30,)
    with pytest.raises(ValueError, match="tasks that fit has not seen"):
        label_value(long, np.column_stack([X, np.full(30, 9)]))
