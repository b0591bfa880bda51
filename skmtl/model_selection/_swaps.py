r"""The cheapest swap of two rows between two parts, out of many.

Where a label of stratum s less in part f and one more in part g costs :math:`p_s`, and the other
way round :math:`q_s`, a swap of row a of f and row b of g costs

.. math:: \sum_{s \in a} p_s + \sum_{s \in b} q_s - \sum_{s \in a \cap b} (p_s + q_s).

The first two sums tell which rows are promising; the third is computed for all pairs of these.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl._compile import compiler

Array = NDArray[Any]

LOOKED_AT = 8
"""Rows looked at for each one that is paired."""

CELLS = 4_000_000
"""Largest table of strata in rows: 32 MB."""

# Nothing is divided by 0, and no code is made for that.
compiled = compiler(error_model="numpy")
# For what compiled functions alone call, and for what they call at one place: compiled faster.
compiled_inside = compiler(error_model="numpy", no_cpython_wrapper=True)
inlined = compiler(error_model="numpy", inline="always")


@compiled_inside
def draw(state: Array, n: int) -> Any:
    """A number below n: the generator of numba is global, this one is not (Knuth's MMIX)."""
    state[0] = state[0] * np.uint64(6364136223846793005) + np.uint64(1442695040888963407)
    return np.int64((state[0] >> np.uint64(33)) % np.uint64(n))


@compiled
def find_rows(
    codes: Array, rows: Array, s: int, t: int, has: bool, limit: int, state: Array
) -> Array:
    """Positions in ``rows`` of some with (or without) a label of stratum s, which is of column t.

    For s = 0 any label of the column. The walk starts anywhere.
    """
    n_rows = len(rows)
    found, n_found = np.empty(min(limit, n_rows), dtype=np.int64), 0
    position = draw(state, n_rows)
    for _ in range(n_rows):
        code = codes[rows[position], t]
        if ((code == s) if s else (code > 0)) == has:
            found[n_found] = position
            n_found += 1
            if n_found == len(found):
                break
        position += 1
        if position == n_rows:
            position = 0
    return found[:n_found]


@compiled_inside
def costs_of_moving(
    codes: Array, column_of: Array, task_at: Array, rows: Array, places: Array, f: int, g: int,
    more: Array, less: Array
) -> Array:  # fmt: skip
    """Sum of what the labels of each row cost if it goes from part f to g: p, or q."""
    cost = np.zeros(len(more))
    for s in range(1, len(cost)):
        # A label counts for its class and for its task.
        whole = task_at[column_of[s]]
        cost[s] = less[s, f] + more[s, g] + less[whole, f] + more[whole, g]
    total = np.zeros(len(places))
    for i in range(len(places)):
        row = rows[places[i]]
        for t in range(codes.shape[1]):
            # Adding 0 where there is no label is faster than asking whether there is one.
            total[i] += cost[codes[row, t]]
    return total


@compiled
def sort_cheapest(costs: Array, places: Array, n: int) -> int:
    """Bring the n lowest costs, and their places, to the front (Hoare's quickselect)."""
    left, right = 0, len(costs) - 1
    while len(costs) > n and left < right:
        pivot, i, j = costs[(left + right) // 2], left, right
        while i <= j:
            while costs[i] < pivot:
                i += 1
            while costs[j] > pivot:
                j -= 1
            if i <= j:
                costs[i], costs[j] = costs[j], costs[i]
                places[i], places[j] = places[j], places[i]
                i += 1
                j -= 1
        if n <= j:
            right = j
        elif n >= i:
            left = i
        else:
            break
    return min(n, len(costs))


@compiled
def best_swap(
    codes: Array, column_of: Array, task_at: Array, rows: Array, f: int, others: Array, g: int,
    places: Array, other_places: Array, more: Array, less: Array, n: int
) -> tuple[int, int, float, int]:  # fmt: skip
    """Places of the row of f and the other of g whose swap costs least, that cost, pairs tried.

    ``more`` and ``less`` say what one label more, and one less, costs. Of the given places the n
    most promising on each side are paired.
    """
    n = min(n, max(CELLS // len(more), 16))
    u = costs_of_moving(codes, column_of, task_at, rows, places, f, g, more, less)
    v = costs_of_moving(codes, column_of, task_at, others, other_places, g, f, more, less)
    n_rows, n_others = sort_cheapest(u, places, n), sort_cheapest(v, other_places, n)
    has = np.zeros((len(more), n_others))
    for j in range(n_others):
        for t in range(codes.shape[1]):
            code = codes[others[other_places[j]], t]
            if code:
                has[code, j] = 1.0
                has[task_at[t], j] = 1.0
    cost, best_i, best_j, best = np.empty(n_others), 0, 0, np.inf
    for i in range(n_rows):
        # An assignment of slices would compile its error messages, for seconds.
        for j in range(n_others):
            cost[j] = v[j]
        for t in range(codes.shape[1]):
            code = codes[rows[places[i]], t]
            if code:
                save(code, f, g, more, less, has, cost)
                save(task_at[t], f, g, more, less, has, cost)
        for j in range(n_others):
            if u[i] + cost[j] < best:
                best_i, best_j, best = i, j, u[i] + cost[j]
    return places[best_i], other_places[best_j], best, n_rows * n_others


@compiled_inside
def save(s: int, f: int, g: int, more: Array, less: Array, has: Array, cost: Array) -> None:
    """Take back the costs of stratum s where both rows have it."""
    saved = float(less[s, f] + more[s, g] + more[s, f] + less[s, g])
    if saved:
        for j in range(len(cost)):
            cost[j] -= saved * has[s, j]
