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
    codes: Array, rows: Array, start: int, stop: int, s: int, t: int, has: bool, limit: int,
    found: Array, state: Array,
) -> int:  # fmt: skip
    """Put down places in ``rows`` of some with (or without) a label of stratum s, of column t.

    They are from ``start`` to ``stop``; for s = 0 any label of the column. The walk starts
    anywhere. Returns how many were found, ``limit`` at most.
    """
    n_found, place = 0, start + draw(state, stop - start)
    for _ in range(start, stop):
        code = codes[rows[place], t]
        if (code > 0 if s == 0 else code == s) == has:
            found[n_found] = place
            n_found += 1
            if n_found == limit:
                break
        place += 1
        if place == stop:
            place = start
    return n_found


@compiled_inside
def costs_of_moving(
    codes: Array, column_of: Array, task_at: Array, rows: Array, places: Array, n_places: int,
    f: int, g: int, more: Array, less: Array, cost: Array, total: Array,
) -> None:  # fmt: skip
    """Sum of what the labels of each row cost if it goes from part f to g: p, or q."""
    cost[0] = 0.0
    for s in range(1, len(more)):
        # A label counts for its class and for its task.
        whole = task_at[column_of[s]]
        cost[s] = less[s, f] + more[s, g] + less[whole, f] + more[whole, g]
    for i in range(n_places):
        row = rows[places[i]]
        total[i] = 0.0
        for t in range(codes.shape[1]):
            # Adding 0 where there is no label is faster than asking whether there is one.
            total[i] += cost[codes[row, t]]


@compiled
def sort_cheapest(costs: Array, places: Array, n_costs: int, n: int) -> int:
    """Bring the n lowest of the costs, and their places, to the front (Hoare's quickselect)."""
    left, right = 0, n_costs - 1
    while n_costs > n and left < right:
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
    return min(n_costs, n)


@compiled_inside
def save(s: int, f: int, g: int, more: Array, less: Array, has: Array, cost: Array, n: int) -> None:
    """Take back the costs of stratum s where both rows have it."""
    saved = float(less[s, f] + more[s, g] + more[s, f] + less[s, g])
    if saved:
        for j in range(n):
            cost[j] -= saved * has[s, j]


@compiled
def best_swap(
    codes: Array, column_of: Array, task_at: Array, rows: Array, f: int, g: int, a: Array,
    n_a: int, b: Array, n_b: int, more: Array, less: Array, n: int, u: Array, v: Array,
    cost: Array, has: Array,
) -> tuple[int, int, float, int]:  # fmt: skip
    """Places of the row of f and the other of g whose swap costs least, that cost, pairs tried.

    ``more`` and ``less`` say what one label more, and one less, costs. Of the places, ``n_a`` in
    ``a`` and ``n_b`` in ``b``, the n most promising on each side are paired. What comes last is
    memory: this function is called too often to ask for its own.
    """
    n = min(has.shape[1], n)
    costs_of_moving(codes, column_of, task_at, rows, a, n_a, f, g, more, less, cost, u)
    costs_of_moving(codes, column_of, task_at, rows, b, n_b, g, f, more, less, cost, v)
    n_rows, n_others = sort_cheapest(u, a, n_a, n), sort_cheapest(v, b, n_b, n)
    for s in range(len(has)):
        for j in range(n_others):
            has[s, j] = 0.0
    for j in range(n_others):
        for t in range(codes.shape[1]):
            code = codes[rows[b[j]], t]
            if code:
                has[code, j] = 1.0
                has[task_at[t], j] = 1.0
    best_i, best_j, best = 0, 0, np.inf
    for i in range(n_rows):
        # An assignment of slices would compile its error messages, for seconds.
        for j in range(n_others):
            cost[j] = v[j]
        for t in range(codes.shape[1]):
            code = codes[rows[a[i]], t]
            if code:
                save(code, f, g, more, less, has, cost, n_others)
                save(task_at[t], f, g, more, less, has, cost, n_others)
        for j in range(n_others):
            if u[i] + cost[j] < best:
                best_i, best_j, best = i, j, u[i] + cost[j]
    return a[best_i], b[best_j], best, n_rows * n_others


OF_BEST_SWAP = """Tuple((int64, int64, float64, int64))(
    int32[:, ::1], int64[::1], int32[::1], int64[::1], int64, int64, int64[::1],
    int64, int64[::1], int64, int64[:, ::1], int64[:, ::1], int64, float64[::1], float64[::1],
    float64[::1], float64[:, ::1]
)"""
