"""Covariances with more numbers are chosen where they gain more than chance."""

import numpy as np
import pytest

from skmtl import MultiTaskBayesianLinear
from skmtl.linear.bayesian._choice import _numbers
from skmtl.linear.bayesian._structures import Diagonal, Full, LowRank, Scalar


@pytest.mark.parametrize("d", [4, 40, 150])
@pytest.mark.parametrize("rank", [1, 2])
def test_directions_have_to_gain_four_thirds_of_what_chance_does(d, rank):
    rng = np.random.default_rng(0)
    gained = []
    for _ in range(100):
        A = rng.normal(size=(d, d))
        slopes = (A + A.T) / 2
        np.fill_diagonal(slopes, rng.normal(size=d))
        values = np.linalg.eigvalsh(slopes)[-rank:]
        gained.append(np.square(np.maximum(values, 0.0)).sum())
    structure = LowRank(Scalar(d, has_intercept=False), rank)
    expected = max(structure.beside.n_free + 2 / 3 * np.mean(gained), structure.n_free)
    assert _numbers(structure) == pytest.approx(expected, rel=0.06)


@pytest.mark.parametrize(("size", "helps"), [(1.15, False), (1.6, False), (1.9, True), (3.0, True)])
def test_new_labels_gain_by_a_direction_from_there_on(size, helps):
    """A direction of this size, over that from which on it is seen, in random slopes."""
    d, rng, gains, found = 300, np.random.default_rng(0), [], []
    for _ in range(10):
        A = rng.normal(size=(d, d))
        slopes = (A + A.T) / 2
        slopes[0, 0] += size * np.sqrt(d / 2)
        values, vectors = np.linalg.eigh(slopes)
        truth = size * np.sqrt(d / 2) * vectors[0, -1] ** 2
        gains.append(2 * values[-1] * truth - values[-1] ** 2)
        found.append(values[-1] ** 2)
    assert (np.mean(gains) > 0) == helps
    needed = 2 * (_numbers(LowRank(Scalar(d, has_intercept=False), 1)) - 1)
    assert (np.mean(found) > needed) == helps


def test_other_numbers_gain_one_each():
    for structure in (
        Scalar(9, has_intercept=False),
        Diagonal(9, has_intercept=False),
        Full(9, has_intercept=False),
    ):
        assert _numbers(structure) == structure.n_free


def test_one_variance_is_found_where_there_is_one():
    n_tasks, n_rows, d = 140, 11, 28
    # In the draw 3 a direction gains more than two for each of its numbers.
    for seed in (0, 1, 3):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(n_tasks * n_rows, d))
        task = np.repeat(np.arange(n_tasks), n_rows)
        coef = rng.normal(size=d) + 0.1 * rng.normal(size=(n_tasks, d))
        y = (X * coef[task]).sum(axis=1) + rng.normal(size=len(X))
        rows = np.column_stack([task, X])
        found = MultiTaskBayesianLinear(task_feature=0).fit(rows, y).covariance_[1:, 1:]
        found = found * np.outer(X.std(axis=0), X.std(axis=0))
        np.testing.assert_allclose(found, found[0, 0] * np.eye(d), atol=1e-8 * found[0, 0])
