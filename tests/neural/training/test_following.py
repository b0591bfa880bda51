"""Units that follow a stream, and the errors of rows before they are learned."""

import pickle

import numpy as np
import pytest
from scipy import sparse

from skmtl import MultiTaskMLP, MultiTaskMLPRegressor
from skmtl.neural.inputs._inputs import fit_inputs
from skmtl.neural.training._following import Moments, Units, follow_features
from skmtl.tasks._read_targets import read_targets

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
SMALL = {"hidden_layer_sizes": (8,), "random_state": 0}


@pytest.mark.parametrize("half_life", [np.inf, 40.0])
def test_moments_are_those_of_weighted_rows(half_life):
    rng = np.random.default_rng(0)
    X = rng.normal(1e3, 2.0, size=(100, 3))
    weights = (rng.random(X.shape) < 0.7).astype(float)
    found = Moments.of(X[:20], weights[:20])
    for start in range(20, 100, 20):
        rows = slice(start, start + 20)
        fade = float(np.exp2(-20 / half_life))
        found = found.plus(Moments.of(X[rows], weights[rows]), fade)
    # Rows of a chunk have the same age.
    age = np.exp2(-np.repeat(np.arange(80, -1, -20), 20) / half_life)[:, None] * weights
    mean = (age * X).sum(axis=0) / age.sum(axis=0)
    np.testing.assert_allclose(found.mean, mean, rtol=1e-12)
    variance = (age * (X - mean) ** 2).sum(axis=0) / age.sum(axis=0)
    np.testing.assert_allclose(found.variance, variance, rtol=1e-9)


def test_columns_without_new_values_are_as_they_were():
    one = Moments.of(np.array([[1.0, 2.0], [3.0, 5.0]]), np.ones((2, 2)))
    more = Moments.of(np.array([[7.0, 9e9]]), np.array([[1.0, 0.0]]))
    found = one.plus(more, 0.5)
    assert (found.mean[1], found.variance[1], found.weight[1]) == (3.5, 2.25, 2.0)
    assert found.mean[0] == (2.0 + 7.0) / 2


@pytest.mark.parametrize("kind", ["robust", "standard"])
@pytest.mark.parametrize("is_sparse", [False, True])
def test_features_are_read_alike_in_other_units(kind, is_sparse):
    rng = np.random.default_rng(0)
    X = rng.normal(2.0, 1.0, size=(60, 3)) * (rng.random((60, 3)) < 0.5)
    X[:, 2] = 0.0
    make = sparse.csr_array if is_sparse else np.asarray
    targets = read_targets(X[:, 0])
    inputs = fit_inputs(make(X), targets, feature_scaling=kind)
    _, units = follow_features(inputs, make(X), Units(Moments.of(X, X)), 1.0)
    factor, shift = np.array([10.0, 0.1, 1.0]), 0.0 if is_sparse else np.array([100.0, -3.0, 0.0])
    later = X * factor + shift
    # All that was before is forgotten.
    followed, _ = follow_features(inputs, make(later), units, 0.0)
    ours, theirs = followed.transform(make(later)), inputs.transform(make(X))
    if is_sparse:
        ours, theirs = ours.toarray(), theirs.toarray()
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9)


def stream(kind, n_rows=3000):
    """X, y, and the scale of y at every row."""
    rng = np.random.default_rng(0)
    X, time = rng.normal(size=(n_rows, 4)), np.linspace(0, 1, n_rows)[:, None]
    Y = X @ rng.normal(size=(4, 2)) + np.sin(X[:, :2]) + 0.1 * rng.normal(size=(n_rows, 2))
    scale = 10 ** ({"grows": 2, "shrinks": -2}.get(kind, 0) * time)
    if kind == "grows":
        X = X * scale
    return X, Y * scale + (30 * time if kind == "moves" else 0.0), scale


def errors(model, X, Y, scale):
    """Errors of late in the units of late, over the variance of the labels there."""
    for start in range(0, len(X), 100):
        model.partial_fit(X[start : start + 100], Y[start : start + 100])
    return (model.history_["deviance"][-5:].mean(axis=1) / scale[-500::100, 0] ** 2).mean()


@pytest.mark.parametrize("kind", ["grows", "shrinks", "moves"])
def test_units_that_drift_are_followed(kind):
    data = stream(kind)
    kept = errors(MultiTaskMLPRegressor(**SMALL), *data)
    assert errors(MultiTaskMLPRegressor(**SMALL, half_life=300.0), *data) < 0.6 * kept


def test_where_nothing_drifts_following_changes_little():
    data = stream("stays")
    kept = errors(MultiTaskMLPRegressor(**SMALL), *data)
    assert errors(MultiTaskMLPRegressor(**SMALL, half_life=1000.0), *data) < 1.1 * kept


def test_a_pickle_between_chunks_goes_on_to_the_bit():
    X, Y, _ = stream("grows", 400)
    Y[::3, 0] = np.nan
    X[::5, 1] = np.nan
    model = MultiTaskMLPRegressor(**SMALL, half_life=100.0)
    model.partial_fit(X[:200], Y[:200]).partial_fit(X[200:300], Y[200:300])
    other = pickle.loads(pickle.dumps(model)).partial_fit(X[300:], Y[300:])
    model.partial_fit(X[300:], Y[300:])
    np.testing.assert_array_equal(model.predict(X), other.predict(X))


@pytest.mark.parametrize("form", ["wide", "long", "mixed"])
def test_any_form(form):
    rng = np.random.default_rng(0)
    X, Y, _ = stream("grows", 300)
    options = {}
    if form == "long":
        X, Y = np.column_stack([X, rng.integers(0, 3, 300)]), Y[:, 0]
        options = {"task_feature": 4}
    if form == "mixed":
        Y = np.column_stack([Y, Y[:, 0] > 0, rng.poisson(1.0, 300)])
        options = {"tasks": ["regression", "regression", "binary", "count"]}
    model = MultiTaskMLP(**SMALL, half_life=50.0, **options)
    for start in range(0, 300, 30):
        model.partial_fit(X[start : start + 30], Y[start : start + 30])
    assert np.isfinite(np.asarray(model.predict(X), dtype=float)).all()
    # A chunk without labels says nothing.
    before = model.predict(X)
    model.partial_fit(X[:5], np.full_like(np.asarray(Y, dtype=float)[:5], np.nan))
    np.testing.assert_array_equal(model.predict(X), before)


def test_labels_are_predicted_before_they_are_learned():
    X, Y, _ = stream("stays", 300)
    Y[::3, 0] = np.nan
    model = MultiTaskMLPRegressor(**SMALL).fit(X[:200], Y[:200])
    expected = np.nanmean((model.predict(X[200:]) - Y[200:]) ** 2, axis=0)
    history = model.partial_fit(X[200:], Y[200:]).history_
    np.testing.assert_allclose(history["deviance"][0], expected, rtol=1e-6)
    assert history["n_rows"].tolist() == [100]
    assert len(history["loss"]) == model.n_iter_
    model.partial_fit(X[:50], Y[:50])
    assert model.history_["score"].shape == (2, 2)
