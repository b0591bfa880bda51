"""Quantiles by kernels: lines of a linear program, and spreads that depend on the rows."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import norm
from sklearn.linear_model import QuantileRegressor

from skmtl import MultiTaskKernelRidgeCV
from skmtl.kernel._quantile_response import QuantileResponse
from skmtl.tasks import Quantile
from skmtl.tasks._columns import read_column

LEVELS = np.array([0.1, 0.5, 0.9])


def draw(n, seed=0):
    """Features, labels whose spread depends on the second of them, and their quantiles."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1, 1, size=(n, 2))
    mean, spread = np.sin(3 * X[:, 0]), 0.1 + 0.8 * np.abs(X[:, 1])
    y = mean + spread * rng.normal(size=n)
    return X, y, mean[:, None] + spread[:, None] * norm.ppf(LEVELS)


def pinball(y, q, levels=LEVELS):
    rest = y[:, None] - q
    return np.maximum(levels * rest, (levels - 1.0) * rest).mean()


def response(y, levels=LEVELS, weight=None):
    weight = np.ones(len(y)) if weight is None else weight
    task = Quantile(levels).fit(read_column(y, "y"), weight, "y")
    return QuantileResponse.of(task, y, weight)


@pytest.mark.parametrize("levels", [LEVELS, [0.3], [0.05, 0.95]])
@pytest.mark.parametrize("weighted", [False, True])
def test_lines_have_the_least_pinball_loss(levels, weighted):
    """Against the linear program of scikit-learn, on responses that nothing was fitted to."""
    rng = np.random.default_rng(1)
    y, levels = rng.normal(size=400), np.array(levels)
    weight = rng.uniform(0.5, 2.0, 400) if weighted else np.ones(400)
    of_labels = response(y, levels, weight)
    v = rng.normal(size=(400, 2))
    v[:, 0] = 0.5 * y + 0.3 * (1.0 + v[:, 1] ** 2) * rng.normal(size=400)
    raw = of_labels.link(v)(v)
    for k, level in enumerate(levels):
        line = QuantileRegressor(quantile=level, alpha=0.0).fit(v, y, sample_weight=weight)
        rest = y[:, None] - np.column_stack([raw[:, k], line.predict(v)])
        ours, least = weight @ np.maximum(level * rest, (level - 1.0) * rest) / weight.sum()
        # The pull of two rows out of 400.
        assert least - 1e-9 <= ours <= least + 2e-3


def test_spreads_that_depend_on_the_rows():
    X, y, _ = draw(300)
    new, labels, truth = draw(2000, seed=1)
    model = MultiTaskKernelRidgeCV(tasks=Quantile(LEVELS)).fit(X, y)
    found = model.predict_quantiles(new)
    assert (np.diff(found, axis=1) >= 0).all()
    constant = pinball(labels, np.quantile(y, LEVELS)[None])
    best = pinball(labels, truth)
    assert pinball(labels, found) - best < 0.25 * (constant - best)
    assert np.corrcoef(found[:, 2] - found[:, 0], truth[:, 2] - truth[:, 0])[0, 1] > 0.6
    for k, level in enumerate(LEVELS):
        assert abs((labels < found[:, k]).mean() - level) < 0.05
    assert_array_equal(model.predict(new), found[:, 1])
    assert_array_equal(pickle.loads(pickle.dumps(model)).predict_quantiles(new), found)


def test_beside_other_tasks_with_missing_labels():
    X, y, _ = draw(120)
    Y = np.column_stack([np.where(np.arange(120) % 3, y, np.nan), y > 0, y])
    tasks = [Quantile([0.25, 0.75]), "binary", "regression"]
    model = MultiTaskKernelRidgeCV(tasks=tasks).fit(X, Y)
    quantiles, *others = model.predict_quantiles(X)
    assert quantiles.shape == (120, 2)
    assert others == [None, None]
    assert model.score(X, Y) > 0.4
    wrong = np.where(np.arange(120) % 3, y, 1e9)
    weight = np.column_stack([np.arange(120) % 3 > 0, *np.ones((2, 120))]).astype(float)
    again = MultiTaskKernelRidgeCV(tasks=tasks).fit(X, np.column_stack([wrong, Y[:, 1:]]), weight)
    assert_allclose(again.predict_quantiles(X)[0], quantiles, atol=1e-9)


def test_long_form():
    X, y, _ = draw(160)
    group = np.arange(160) % 2
    X = np.column_stack([group, X])
    model = MultiTaskKernelRidgeCV(tasks=Quantile(LEVELS), task_feature=0).fit(X, y + 3.0 * group)
    found = model.predict_quantiles(X)
    assert found[group == 1].min(axis=0)[1] > found[group == 0].mean(axis=0)[1]


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_scale_of_the_labels(scale):
    X, y, _ = draw(60)
    found = MultiTaskKernelRidgeCV("rbf", tasks=Quantile(LEVELS)).fit(X, y).predict_quantiles(X)
    other = MultiTaskKernelRidgeCV("rbf", tasks=Quantile(LEVELS)).fit(X, scale * y)
    assert_allclose(other.predict_quantiles(X), scale * found, rtol=1e-4, atol=1e-4 * scale)


def test_few_and_constant_labels():
    X, y, _ = draw(3)
    assert np.isfinite(MultiTaskKernelRidgeCV(tasks="quantile").fit(X, y).predict(X)).all()
    X, _, _ = draw(20)
    model = MultiTaskKernelRidgeCV(tasks="quantile").fit(X, np.full(20, 3.0))
    assert_allclose(model.predict_quantiles(X), 3.0, rtol=1e-6)
