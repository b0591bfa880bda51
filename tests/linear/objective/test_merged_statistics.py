"""Statistics that are put together, weighed and cut: groups of tasks stay with their tasks."""

import numpy as np
import pytest

from skmtl.linear.objective._merged_statistics import block_statistics, groups_of

FIELDS = ("cross", "squares", "y_mean", "omega", "n_labels")


def of_rows(X, Y, weights):
    return block_statistics(X, np.where(weights > 0, Y, 0.0), weights, groups_of(weights))


@pytest.fixture
def data():
    """Tasks 0 and 2 have the same rows."""
    rng = np.random.default_rng(0)
    weights = np.ones((30, 3))
    weights[:10, 1] = 0.0
    return rng.normal(size=(30, 4)), rng.normal(size=(30, 3)), weights


def same(ours, theirs):
    W = np.random.default_rng(1).normal(size=ours.cross.shape)
    np.testing.assert_allclose(ours.gram_product(W), theirs.gram_product(W), rtol=1e-12)
    np.testing.assert_allclose(ours.mean_product(W), theirs.mean_product(W), rtol=1e-12)
    for name in FIELDS:
        np.testing.assert_allclose(
            getattr(ours, name), getattr(theirs, name), rtol=1e-12, atol=1e-13, err_msg=name
        )


@pytest.mark.parametrize("factors", [[1.0, 1.0, 2.0], [2.0, 1.0, 1.0], [3.0, 1.0, 3.0]])
def test_weighed_tasks_keep_their_own_matrices(data, factors):
    X, Y, weights = data
    same(of_rows(*data).weighted(np.array(factors)), of_rows(X, Y, weights * factors))


@pytest.mark.parametrize("tasks", [[1, 2], [2, 1], [2, 0], [0, 1, 2]])
def test_some_tasks_keep_their_own_matrices(data, tasks):
    X, Y, weights = data
    same(of_rows(*data).select(np.array(tasks)), of_rows(X, Y[:, tasks], weights[:, tasks]))


def test_rows_of_other_groups_part_what_they_tell_apart(data):
    X, Y, weights = data
    more = np.ones((30, 3))
    more[20:, 2] = 0.0
    both = of_rows(X, Y, weights).plus(of_rows(X + 1, Y - 1, more))
    same(both, of_rows(np.vstack([X, X + 1]), np.vstack([Y, Y - 1]), np.vstack([weights, more])))
    assert len(both.gram) == 3
