"""The share of noise in labels."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.model_selection import LeaveOneOut, cross_val_predict

from skmtl import MultiTaskMLP
from skmtl.neural.inputs._inputs import Inputs, fit_inputs
from skmtl.neural.training import _noise
from skmtl.neural.training._noise import unexplained
from skmtl.neural.training._setup import Fit
from skmtl.tasks._read_targets import read_targets


def noise_of(X, y, tasks="regression"):
    targets = read_targets(y, declared=tasks, standardize=True)
    return unexplained(Inputs({}, X.shape[1]), X, targets).noise_to_signal


def problem(noise, n=60, p=4):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, p))
    return X, X[:, 0] - X[:, 1] + noise * rng.normal(size=n)


@pytest.mark.parametrize("p", [4, 80])
def test_every_row_is_left_out(p, monkeypatch):
    X, y = problem(1.0, p=p)
    monkeypatch.setattr(_noise, "_spectra", lambda X: list(original(X))[:1])
    monkeypatch.setattr(_noise, "STRENGTHS", np.array([0.5]))
    n_eigenvalues = min(p, len(X) - 1)
    ridge = Ridge(alpha=0.5 * ((X - X.mean(axis=0)) ** 2).sum() / n_eigenvalues)
    others = (len(y) * y.mean() - y) / (len(y) - 1)
    left = y - cross_val_predict(ridge, X, y, cv=LeaveOneOut())
    u = min((left**2).sum() / ((y - others) ** 2).sum(), 0.98)
    assert noise_of(X, y) == pytest.approx(u / (1 - u), rel=1e-9)


original = _noise._spectra


def test_more_noise_is_seen():
    found = [noise_of(*problem(noise, n=300)) for noise in (0.1, 0.5, 1.0, 3.0)]
    assert found == sorted(found)
    # The variance of the signal is 2.
    np.testing.assert_allclose(found, np.array([0.01, 0.25, 1.0, 9.0]) / 2, rtol=0.5, atol=0.01)


def test_what_is_unobserved_or_constant_says_nothing():
    X, y = problem(0.5)
    Y = np.column_stack([y, y])
    Y[:30, 1] = np.nan
    assert np.isfinite(noise_of(X, Y))
    filled = Y.copy()
    filled[:30, 1] = 1e9
    weight = np.isfinite(Y).astype(float)
    targets = read_targets(filled, declared="regression", sample_weight=weight, standardize=True)
    assert unexplained(Inputs({}, 4), X, targets).noise_to_signal == noise_of(X, Y)
    assert noise_of(X, np.full(60, 2.0)) == 1.0
    assert noise_of(X[:2], y[:2]) == 1.0
    assert noise_of(np.zeros((60, 4)), y) == pytest.approx(0.98 / 0.02)


def test_quantiles_without_labels_say_nothing():
    X, y = problem(0.5)
    Y = np.column_stack([y, np.full(60, np.nan)])
    assert noise_of(X, Y, ["regression", "quantile"]) == noise_of(X, y)
    one_row = MultiTaskMLP(tasks=["regression", "quantile"], max_iter=1, random_state=0)
    assert np.isnan(one_row.fit(X[:1], Y[:1]).predict(X)[:, 1]).all()


def test_the_order_of_categories_says_nothing():
    rng = np.random.default_rng(0)
    city = rng.integers(20, size=200)
    y = rng.normal(size=20)[city] + 0.3 * rng.normal(size=200)
    targets = read_targets(y, declared="regression", standardize=True)
    found = []
    for codes in (city, rng.permutation(20)[city]):
        X = np.column_stack([np.zeros(200), codes])
        inputs = fit_inputs(X, targets, feature_scaling="robust", categories={1: 20})
        found.append(unexplained(inputs, X, targets).noise_to_signal)
    assert found[0] == pytest.approx(found[1])
    assert found[0] < 0.3


def test_what_lines_explain_and_what_curves_do():
    X, y = problem(0.5, n=100)
    straight = unexplained(Inputs({}, 4), X, read_targets(y, standardize=True))
    assert straight.linear == straight.least < straight.laplace
    assert straight.bends == straight.laplace / straight.linear
    curved = unexplained(Inputs({}, 4), X, read_targets(np.abs(X[:, 0]), standardize=True))
    assert curved.laplace < curved.linear
    assert curved.bends == 1.0


@pytest.mark.parametrize(("truth", "n_inputs"), [("line", 10), ("levels", 130)])
def test_noisy_levels_are_numbers_unless_they_explain_more(truth, n_inputs):
    rng = np.random.default_rng(0)
    X = rng.integers(13, size=(200, 10)).astype(float)
    signal = X[:, :5] if truth == "line" else np.abs(X[:, :5] - 6.0)
    y = signal.sum(axis=1)
    y = y / y.std() + 1.2 * rng.normal(size=200)
    fit = Fit(MultiTaskMLP(), X, read_targets(y, standardize=True), 0)
    assert fit.inputs.n_inputs == n_inputs
    given = Fit(MultiTaskMLP(numeric_embedding="piecewise_linear"), X, fit.targets, 0)
    assert given.inputs.n_inputs > 10
