"""The compiled search for swaps against its definition."""

import numpy as np
import pytest

from skmtl.model_selection._local_search import FAR, local_search
from skmtl.model_selection._swaps import best_swap, find_rows, sort_cheapest
from tests.model_selection.conftest import rare_labels


def indicator(codes, task_at, n_strata):
    """Which strata each row is in, those of whole tasks included."""
    rows = np.zeros((len(codes), n_strata), dtype=np.int64)
    for i, j in zip(*np.nonzero(codes), strict=True):
        rows[i, codes[i, j]] = 1
        rows[i, task_at[j]] = 1
    rows[:, 0] = 0
    return rows


@pytest.fixture
def problem():
    """Codes of 4 tasks in 60 rows: two of three classes, two of one."""
    rng = np.random.default_rng(0)
    first, second, third, fourth = rng.integers(0, [[4], [4], [2], [2]], size=(4, 60))
    codes = np.column_stack([first, 3 + second, 7 * third, 8 * fourth]).astype(np.int32)
    codes[:, 1] = np.where(codes[:, 1] == 3, 0, codes[:, 1])
    column_of = np.array([0, 0, 0, 0, 1, 1, 1, 2, 3, 0, 1])
    return codes, column_of, np.array([9, 10, 0, 0], dtype=np.int32)


@pytest.mark.parametrize("n", [500, 8])
@pytest.mark.parametrize("seed", range(6))
def test_best_swap_of_all_pairs(problem, n, seed):
    codes, column_of, task_at = problem
    rng = np.random.default_rng(seed)
    more, less = rng.integers(-5, 20, size=(2, 11, 3))
    more[0] = less[0] = 0
    rows, others = np.arange(0, 25), np.arange(30, 60)
    f, g = 2, 0
    has = indicator(codes, task_at, 11)
    p, q = less[:, f] + more[:, g], more[:, f] + less[:, g]
    u, v = has[rows] @ p, has[others] @ q
    cost = u[:, None] + v - (has[rows] * (p + q)) @ has[others].T
    a, b = np.arange(25), np.arange(25, 55)
    places, memory = np.concatenate([rows, others]), [np.empty(30), np.empty(30), np.empty(500)]
    i, j, found, n_pairs = best_swap(
        codes, column_of, task_at, places, f, g, a, 25, b, 30, more, less, n, *memory,
        np.empty((11, 30)),
    )  # fmt: skip
    j -= 25
    assert found == cost[i, j]
    assert n_pairs == min(n, 25) * min(n, 30)
    if n == 500:
        assert found == cost.min()
    else:
        assert u[i] <= np.sort(u)[n - 1]
        assert v[j] <= np.sort(v)[n - 1]


@pytest.mark.parametrize("n", [1, 5, 20, 99, 100, 300])
def test_the_cheapest_come_first(n):
    rng = np.random.default_rng(n)
    for costs in (rng.normal(size=100), rng.integers(0, 4, 100).astype(float), np.zeros(100)):
        found, places = costs.copy(), np.arange(100)
        count = sort_cheapest(found, places, 100, n)
        assert count == min(n, 100)
        np.testing.assert_array_equal(costs[places], found)
        np.testing.assert_array_equal(np.sort(found[:count]), np.sort(costs)[:count])


def test_rows_that_have_a_label(problem):
    codes = problem[0]
    rows, state = np.arange(10, 60), np.array([1], dtype=np.uint64)
    for s, t, has in [(2, 0, True), (2, 0, False), (0, 1, True), (0, 1, False)]:
        expected = (codes[rows, t] == s) if s else (codes[rows, t] > 0)
        found, some = np.full(50, -1), np.full(50, -1)
        n_found = find_rows(codes, rows, 5, 50, s, t, has, 1000, found, state)
        expected = 5 + np.flatnonzero(expected[5:] == has)
        assert sorted(found[:n_found]) == expected.tolist()
        assert find_rows(codes, rows, 5, 50, s, t, has, 3, some, state) == 3
        assert len(set(some[:3])) == 3
        assert set(some[:3]) <= set(expected)
        assert (some[3:] == -1).all()


def price(part, has, low, high, slack):
    counts = np.array([has[part == f].sum(axis=0) for f in range(low.shape[1])]).T
    v = np.maximum(0, np.maximum(counts - high, low - counts))
    return (v**2 + FAR * np.maximum(0, v - slack) ** 2).sum()


@pytest.mark.parametrize("work", [0, 50_000, 20_000_000])
def test_price_is_that_of_the_parts(work):
    y = rare_labels(90, 12, seed=0, positive=0.3)
    codes = np.where(np.isnan(y), 0, 2 * np.arange(12) + 1 + y).astype(np.int32)
    column_of = np.concatenate([[0], np.repeat(np.arange(12), 2), np.arange(12)])
    task_at = 25 + np.arange(12, dtype=np.int32)
    has = indicator(codes, task_at, 37)
    wanted = has.sum(axis=0)[:, None] * np.full(3, 1 / 3)
    low, high = np.floor(wanted).astype(int), np.ceil(wanted).astype(int)
    part, slack = np.repeat(np.arange(3, dtype=np.int32), 30), np.zeros_like(low)
    bounds = np.stack([low, high, slack, slack], axis=-1)
    start = part.copy()
    kept, found = local_search(codes, column_of, task_at, part, bounds, 0, work)
    np.testing.assert_array_equal(part, start)
    np.testing.assert_array_equal(np.bincount(kept), 30)
    if work:
        assert found == price(kept, has, low, high, slack) < price(start, has, low, high, slack)
    else:
        np.testing.assert_array_equal(kept, start)
    assert found == 0 or work < 20_000_000
