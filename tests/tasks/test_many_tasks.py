"""Many tasks of numbers are read in a few calls; each is what it would be alone."""

import numpy as np
import pytest

from skmtl.tasks import Quantile, Regression
from skmtl.tasks._columns import read_column, read_floats
from skmtl.tasks._number import moments
from skmtl.tasks._read_targets import read_targets


def labels(missing=0.3, dtype=np.float64):
    rng = np.random.default_rng(0)
    y = 10.0 ** np.arange(-2, 3) * rng.normal(size=(50, 5)) + [0.0, 1e6, -3.0, 5.0, 0.0]
    y[:, 4] = 7.0
    y[rng.random(y.shape) < missing] = np.nan
    return y.astype(dtype)


@pytest.mark.parametrize("missing", [0.0, 0.3])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("standardize", [False, True, "about_zero"])
def test_a_task_among_others_is_as_alone(missing, dtype, standardize):
    y = labels(missing, dtype)
    declared = [Regression(), Regression("huber"), Quantile(0.3), Regression(), Regression()]
    together = read_targets(y, declared=declared, standardize=standardize)
    for t, task in enumerate(declared):
        alone = read_targets(y[:, t], declared=task, standardize=standardize)
        np.testing.assert_array_equal(together.values[:, t], alone.values)
        np.testing.assert_array_equal(together.weights[:, t], alone.weights)
        found, [expected] = together.tasks.tasks[t], alone.tasks.tasks
        assert (found.location_, found.scale_) == (expected.location_, expected.scale_)
        assert found.n_labels_ == expected.n_labels_ == (~np.isnan(y[:, t])).sum()


def test_columns_in_one_go():
    y = labels()
    y[:, 1] = np.nan
    for together, column in zip(read_floats(list(y.T)), y.T, strict=True):
        alone = read_column(column, "task")
        np.testing.assert_array_equal(together.labels, alone.labels)
        np.testing.assert_array_equal(together.observed, alone.observed)


def test_infinity_is_named():
    y = labels()
    y[3, 2] = np.inf
    with pytest.raises(ValueError, match=r"Task 2: y contains infinity \(1 labels\)"):
        read_targets(y)


@pytest.mark.parametrize("factor", [1e-300, 1.0, 1e300])
def test_moments(factor):
    y, rng = labels(0.0), np.random.default_rng(1)
    weights = rng.uniform(size=y.shape) * (rng.random(y.shape) < 0.8)
    location, scale = moments(y.T, list(weights.T * factor))
    for t, (column, weight) in enumerate(zip(y.T, weights.T, strict=True)):
        mean = np.average(column, weights=weight)
        spread = np.sqrt(np.average((column - mean) ** 2, weights=weight))
        np.testing.assert_allclose(location[t], mean, rtol=1e-12)
        np.testing.assert_allclose(scale[t], spread if t < 4 else 1.0, rtol=1e-9)


@pytest.mark.parametrize("size", [1e-200, 1e200])
def test_labels_of_any_magnitude(size):
    y = size * labels(0.0)[:, :4]
    location, scale = moments(y.T, list(np.ones((4, 50))))
    np.testing.assert_allclose(location / size, (y / size).mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(scale / size, (y / size).std(axis=0), rtol=1e-9)


def test_priors_of_all_tasks():
    y, rng = labels(0.0).T, np.random.default_rng(1)
    weights = rng.uniform(size=y.shape) * (rng.random(y.shape) < 0.8)
    weights[2] = 0.0
    tasks = [Regression() for _ in y]
    found = Regression.raw_priors(tasks, y, weights)
    for task, prior, column, weight in zip(tasks, found, y, weights, strict=True):
        used = weight > 0
        expected = task.raw_prior(column[used], weight[used]) if used.any() else [0.0]
        np.testing.assert_allclose(prior, expected, rtol=1e-12)


def test_a_prior_of_ones_own_is_asked():
    class Middle(Regression):
        def raw_prior(self, values, weight):
            return np.atleast_1d(np.median(values))

    y = labels(0.0)
    tasks = read_targets(y, declared=Middle()).tasks.tasks
    found = Middle.raw_priors(tasks, y.T, np.ones_like(y.T))
    np.testing.assert_array_equal(found[:, 0], np.median(y, axis=0))
