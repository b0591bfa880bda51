"""Lines of tasks: best linear predictions with estimated variances."""

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import minimize

from skmtl import MultiTaskMLPRegressor
from skmtl.neural.architectures._lines import N_DIRECTIONS
from skmtl.neural.training._setup import Fit
from skmtl.neural.training._task_lines import lines_of_tasks
from skmtl.tasks._read_targets import read_targets


def data(n_tasks=60, n_rows=10, n_features=4, *, slopes=0.0, offsets=1.0, noise=1.0, seed=0):
    """Features, tasks, labels; and the slopes of the tasks."""
    rng = np.random.default_rng(seed)
    task = np.repeat(np.arange(n_tasks), n_rows)
    X = rng.normal(size=(len(task), n_features))
    u = slopes * rng.normal(size=(n_tasks, n_features))
    y = X.sum(axis=1) + (X * u[task]).sum(axis=1) + offsets * rng.normal(size=n_tasks)[task]
    return X, task, y + noise * rng.normal(size=len(y)), u


def lines(X, task, y, sample_weight=None, declared="regression", **options):
    targets = read_targets(
        y,
        declared=declared,
        task_column=task,
        sample_weight=sample_weight,
        standardize=True,
    )
    options = {"feature_scaling": None, "numeric_embedding": None, **options}
    fit = Fit(MultiTaskMLPRegressor(task_feature=0, **options), X, targets, 0)
    found = lines_of_tasks(fit.inputs, fit.X, fit.targets)
    return found, fit.targets.values


def at(found, X, task):
    """What the lines add at some rows."""
    Z = (X - found.center) @ found.basis
    return found.offsets[task, 0] + (Z * found.slopes[task, :, 0]).sum(axis=1)


def test_they_are_the_best_linear_predictions():
    """Of the variances that are most likely where the common level is unknown."""
    X, task, y, _ = data(20, 8, 2, slopes=0.7)
    found, values = lines(X, task, y)
    Z = (X - found.center) @ found.basis
    same = task[:, None] == task

    def solved(logarithms):
        noise, between, own, common = np.exp(logarithms)
        of_tasks = same * (between + own * Z @ Z.T)
        V = of_tasks + common * Z @ Z.T + noise * np.eye(len(Z))
        inverse = np.linalg.inv(V)
        left = values - (inverse @ values).sum() / inverse.sum()
        loss = np.linalg.slogdet(V)[1] + left @ inverse @ left + np.log(inverse.sum())
        return loss, of_tasks @ inverse @ left

    best = minimize(lambda z: solved(z)[0], np.log([0.3, 0.3, 0.1, 0.3]), method="Nelder-Mead")
    expected = solved(best.x)[1]
    np.testing.assert_allclose(at(found, X, task), expected, atol=0.03 * expected.std())


def test_slopes_are_those_of_the_tasks():
    X, task, y, u = data(n_rows=200, slopes=1.0, noise=0.1)
    found, values = lines(X, task, y)
    slopes = found.slopes[:, :, 0] @ found.basis.T * (y.std() / values.std())
    np.testing.assert_allclose(slopes, u - u.mean(axis=0), atol=0.2)
    assert np.corrcoef(slopes.ravel(), u.ravel())[0, 1] > 0.99
    assert 0.3 < found.difference < 0.7


def test_tasks_that_differ_by_intercepts_have_hardly_a_slope():
    X, task, y, _ = data(n_rows=30)
    found, values = lines(X, task, y)
    own = at(found, X, task) - found.offsets[task, 0]
    assert own.std() < 0.1 * values.std()
    assert found.difference < 0.05


def test_noise_has_no_lines():
    X, task, _, _ = data()
    found, _ = lines(X, task, np.random.default_rng(1).normal(size=len(X)))
    assert np.abs(at(found, X, task)).max() < 0.3


@pytest.mark.parametrize("change", ["rows", "tasks", "weight", "shift"])
def test_invariances(change):
    X, task, y, _ = data(slopes=0.5)
    found, _ = lines(X, task, y)
    expected = at(found, X, task)
    if change == "rows":
        order = np.random.default_rng(0).permutation(len(y))
        other = lines(X[order], task[order], y[order])[0]
    elif change == "tasks":
        other = lines(X, 59 - task, y)[0]
        task = 59 - task
    elif change == "weight":
        other = lines(X, task, y, sample_weight=np.full(len(y), 7.0))[0]
    else:
        X = 3.0 * X + 1e5
        other = lines(X, task, y)[0]
    np.testing.assert_allclose(at(other, X, task), expected, atol=1e-6)


def test_weights_of_zero_are_no_labels():
    X, task, y, _ = data(slopes=0.5)
    used = np.random.default_rng(0).random(len(y)) < 0.7
    one = lines(X[used], task[used], y[used])[0]
    two = lines(X, task, np.where(used, y, 1e9), sample_weight=used.astype(float))[0]
    three = lines(X, task, np.where(used, y, np.nan))[0]
    for other in (two, three):
        np.testing.assert_array_equal(one.slopes, other.slopes)
        np.testing.assert_array_equal(one.offsets, other.offsets)


def test_many_inputs():
    """Slopes along the principal directions; sparse rows alike."""
    rng = np.random.default_rng(0)
    task = np.repeat(np.arange(50), 20)
    hidden = rng.normal(size=(1000, 3))
    X = hidden @ rng.normal(size=(3, 100)) + 0.1 * rng.normal(size=(1000, 100))
    own = (hidden * rng.normal(size=(50, 3))[task]).sum(axis=1)
    found, values = lines(X, task, own + 0.1 * rng.normal(size=1000))
    assert found.basis.shape == (100, N_DIRECTIONS)
    assert np.corrcoef(at(found, X, task), values)[0, 1] > 0.95
    of_sparse, _ = lines(sparse.csr_array(X), task, own + 0.1 * rng.normal(size=1000))
    assert np.corrcoef(at(of_sparse, X, task), values)[0, 1] > 0.95


@pytest.mark.parametrize("case", ["one task", "constant labels", "constant inputs", "no inputs"])
def test_nothing_to_compare(case):
    X, task, y, _ = data()
    if case == "one task":
        task = np.zeros_like(task)
    elif case == "constant labels":
        y = np.ones_like(y)
    elif case == "constant inputs":
        X = np.full_like(X, 0.1)
    else:
        X = X[:, :0]
    assert lines(X, task, y)[0] is None


def test_a_row_per_task():
    X, task, y, _ = data(n_rows=1)
    found, _ = lines(X, task, y)
    assert np.isfinite(at(found, X, task)).all()


def test_labels_that_are_met_exactly():
    X, task, y, _ = data(slopes=1.0, noise=0.0)
    found, values = lines(X, task, y)
    Z = (X - found.center) @ found.basis
    own = values - at(found, X, task) - found.common[0]
    left = own - Z @ np.linalg.lstsq(Z, own, rcond=None)[0]
    assert left.std() < 0.02


def test_classes_have_slopes_of_log_odds():
    X, task, f, u = data(n_rows=200, slopes=1.0, noise=0.0)
    rng = np.random.default_rng(1)
    y = (rng.random(len(f)) < 1.0 / (1.0 + np.exp(-f))).astype(float)
    found, _ = lines(X, task, y, declared="binary")
    slopes = found.slopes[:, :, 0] @ found.basis.T
    assert np.corrcoef(slopes.ravel(), u.ravel())[0, 1] > 0.9
    # Not unlike in size: drawn to those of all, as the method of the source is.
    assert 0.6 < np.polyfit((u - u.mean(axis=0)).ravel(), slopes.ravel(), 1)[0] < 1.1


def test_classes_that_are_apart_have_finite_lines():
    X, task, f, _ = data(slopes=1.0, noise=0.0)
    found, _ = lines(X, task, (f > 0).astype(float), declared="binary")
    assert np.abs(at(found, X, task)).max() < 100.0


def test_networks_find_slopes_of_few_labels():
    X, task, y, _ = data(100, 12, slopes=1.0, noise=0.5)
    X = np.column_stack([task, X])
    train = np.arange(len(y)) % 3 > 0
    options = {"task_feature": 0, "random_state": 0}
    model = MultiTaskMLPRegressor(**options).fit(X[train], y[train])
    plain = MultiTaskMLPRegressor(architecture="hard_sharing", **options).fit(X[train], y[train])
    left, of_plain = ((m.predict(X[~train]) - y[~train]).var() for m in (model, plain))
    assert left < 0.8 * of_plain
    assert left < 0.5 * y.var()


@pytest.mark.parametrize("n_rows", [3, 4, 5, 8])
def test_a_handful_of_rows(n_rows):
    rng = np.random.default_rng(n_rows)
    X, y = rng.normal(size=(n_rows, 3)), rng.normal(size=n_rows)
    task = rng.permutation(np.arange(n_rows) // 2)
    found, values = lines(X, task, y)
    assert np.abs(at(found, X, task)).max() <= 2.0 * np.abs(values).max()
