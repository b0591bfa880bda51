"""Paths that go on beyond their last alpha, while it is the best and for something."""

import numpy as np
import pytest

from skmtl import MultiTaskLinearRegressorCV
from skmtl.linear.cross_validation._extension import goes_on


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([0.0, 0.5, 0.6, 0.7], True),
        ([0.0, 0.5, 0.7, 0.6], False),
        # Equal ones: the larger alpha is chosen already.
        ([0.0, 0.7, 0.7, 0.7], False),
        # A decade has brought less than 1e-4 of what was gained.
        ([0.0, 0.5, 0.7, 0.70003], False),
        ([0.0, 0.5, 0.7, -np.inf], False),
    ],
)
def test_a_path_goes_on_while_its_end_is_the_best(scores, expected):
    assert goes_on(np.geomspace(1000.0, 1.0, 4), np.array(scores)) == expected


def test_a_path_of_less_than_a_decade_says_nothing():
    assert not goes_on(np.array([1.0, 0.5]), np.array([0.0, 1.0]))


@pytest.fixture
def curves():
    """Smooth random curves of 20 nearly equal features, labels in their second differences."""
    rng = np.random.default_rng(0)
    t = np.linspace(-1, 1, 20)
    X = rng.normal(size=(60, 5)) * [3, 1, 0.3, 0.1, 0.03] @ np.vander(t, 5, increasing=True).T
    Y = np.diff(X, 2)[:, [3, 12]]
    Y = Y / Y.std(axis=0) + 0.05 * rng.normal(size=Y.shape)
    X = X + 1e-4 * rng.normal(size=X.shape)
    return (X - X.mean(axis=0)) / X.std(axis=0), Y


def test_signals_in_small_differences(curves):
    X, Y = curves
    search = MultiTaskLinearRegressorCV("l21", alphas=20).fit(X, Y)
    ratios = search.alphas_[1:] / search.alphas_[:-1]
    np.testing.assert_allclose(ratios[19:], 0.1**0.1)
    assert 20 < len(search.alphas_) <= 60
    assert (len(search.alphas_) - 20) % 10 == 0
    assert search.alpha_ < 0.5e-3 * search.alphas_[0]
    n_alphas = len(search.alphas_)
    assert search.score_path_.shape == (1, n_alphas, 5)
    assert search.mse_path_.shape == (n_alphas, 5)
    given = MultiTaskLinearRegressorCV("l21", alphas=search.alphas_[:20]).fit(X, Y)
    np.testing.assert_array_equal(given.alphas_, search.alphas_[:20])
    unexplained = [1.0 - model.score_path_.mean(axis=2).max() for model in (search, given)]
    assert unexplained[0] < 0.75 * unexplained[1]
    both = MultiTaskLinearRegressorCV("l21", alphas=20, n_jobs=2).fit(X, Y)
    np.testing.assert_array_equal(both.score_path_, search.score_path_)


def test_one_combination_goes_on_alone(curves):
    X, Y = curves
    noise = np.random.default_rng(1).normal(size=(60, 1))
    grid = {"task_weight": [[1.0, 1.0, 0.0], [0.0, 0.0, 1.0]]}
    search = MultiTaskLinearRegressorCV("l21", alphas=20, grid=grid, scoring="r2")
    search.fit(X, np.hstack([Y, noise]))
    missing = np.isnan(search.score_path_).all(axis=2)
    assert missing.shape == search.alphas_.shape
    assert not missing[:, :20].any()
    assert missing[:, 20:].any(axis=0).any() == (search.alphas_.shape[1] > 20)
    assert np.isfinite(search.alpha_)
