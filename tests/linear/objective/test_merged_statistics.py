"""Statistics that are put together, weighed and cut: groups of tasks stay with their tasks."""

import numpy as np
import pytest

from skmtl import MultiTaskLinearRegressor
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


@pytest.mark.parametrize("constant", [0.005, 0.1, 1e6, -3e-9])
@pytest.mark.parametrize("n_rows", [3, 28, 1001])
def test_constant_columns_do_not_vary(n_rows, constant):
    rng = np.random.default_rng(0)
    X, Y, c = rng.normal(size=(n_rows, 3)), rng.normal(size=(n_rows, 2)), rng.random(n_rows)
    X[:, 1], Y[:, 1] = constant, constant
    weights = np.repeat(c[:, None], 2, axis=1)
    found = of_rows(X, Y, weights)
    # In chunks as well, whose means may differ by rounding.
    chunks = np.array_split(np.arange(n_rows), 3)
    merged = of_rows(X[chunks[0]], Y[chunks[0]], weights[chunks[0]])
    for some in chunks[1:]:
        merged = merged.plus(of_rows(X[some], Y[some], weights[some]))
    for stats in (found, merged):
        assert not stats.gram[0, 1].any() and not stats.cross[1].any()
        assert stats.squares[1] == 0.0
        assert (np.diag(stats.gram[0])[[0, 2]] > 0).all()


def test_columns_that_vary_little_do():
    X = 1e6 + 1e-6 * np.random.default_rng(0).normal(size=(50, 1))
    found = of_rows(X, X - 1e6, np.ones((50, 1)))
    np.testing.assert_allclose(found.gram[0, 0, 0], 49 * X.var(ddof=1), rtol=1e-3)


def test_constant_columns_leave_default_strengths_as_they_are():
    rng = np.random.default_rng(0)
    task, y = rng.integers(0, 3, 30), rng.normal(size=30)
    X = np.column_stack([np.full(30, 0.005), task])
    weight = rng.uniform(0.1, 2.0, 30)
    model = MultiTaskLinearRegressor("mean_deviation", task_feature=1).fit(X, y, weight)
    assert np.abs(model.coef_).max() < 1e-6
    # A task whose labels are all the same says nothing of how strong to be for others.
    X, Y = rng.normal(size=(45, 7)), rng.normal(size=(45, 2)) * 100.0
    weight = rng.uniform(0.1, 2.0, Y.shape)
    alphas = []
    for constant in (0.0, 3.0, 0.1):
        Y[:, 1] = constant
        alphas.append(MultiTaskLinearRegressor("l2").fit(X, Y, weight).alpha_)
    np.testing.assert_allclose(alphas, alphas[0], rtol=1e-9)
