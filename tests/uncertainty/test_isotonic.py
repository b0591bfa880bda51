"""Isotonic regression of a task, averaged with the map before it."""

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression

from skmtl.uncertainty._isotonic import Isotonic


def draw(n=200, seed=0):
    rng = np.random.default_rng(seed)
    g = rng.random(n)
    return np.column_stack([1 - g, g]), (rng.random(n) < g**2).astype(int), rng.uniform(0.5, 2, n)


def test_one_task_is_scikit_learns():
    p, codes, weights = draw()
    task = np.zeros(len(p), dtype=int)
    new = np.linspace(-0.1, 1.1, 50).clip(0, 1)
    found = Isotonic.fit(p, codes, weights, task, 1)
    given = np.column_stack([1 - new, new]), np.zeros(50, dtype=int)
    expected = IsotonicRegression(out_of_bounds="clip").fit(p[:, 1], codes, weights).predict(new)
    np.testing.assert_allclose(found(*given, 0.0)[:, 1], expected, atol=1e-12)
    share = weights.sum() / (weights.sum() + 50.0)
    mixed = share * expected + (1 - share) * new
    np.testing.assert_allclose(found(*given, 50.0)[:, 1], mixed, atol=1e-12)
    assert found(*given, np.inf) is given[0]


def test_there_are_no_new_ties():
    p, codes, weights = draw()
    task = np.zeros(len(p), dtype=int)
    new = np.linspace(0.0, 1.0, 1000)
    found = Isotonic.fit(p, codes, weights, task, 1)
    q = found(np.column_stack([1 - new, new]), np.zeros(1000, dtype=int), 10.0)[:, 1]
    assert (np.diff(q) > 0).all()
    assert 0.0 <= q[0] < q[-1] <= 1.0


def test_unknown_tasks_and_those_without_labels_stay():
    p, codes, weights = draw()
    found = Isotonic.fit(p, codes, weights, np.ones(len(p), dtype=int), 3)
    for task in (-1, 0, 2):
        np.testing.assert_array_equal(found(p, np.full(len(p), task), 10.0), p)


@pytest.mark.parametrize("n_imagined", [1.0, 100.0])
def test_several_classes_sum_to_one(n_imagined):
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(4), 300)
    codes = rng.integers(0, 3, 300)
    task = rng.integers(0, 2, 300)
    q = Isotonic.fit(p, codes, np.ones(300), task, 2)(p, task, n_imagined)
    np.testing.assert_allclose(q.sum(axis=1), 1.0)
    assert (q >= 0).all()
    # The class that no label has.
    assert (q[:, 3] <= p[:, 3]).mean() > 0.5
