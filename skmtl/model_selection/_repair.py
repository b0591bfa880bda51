r"""Swaps of rows between parts, until no task and no class is more uneven than counts force.

The count of stratum s in part f may lie between :math:`\lfloor d_{sf} \rfloor` and
:math:`\lceil d_{sf} \rceil`; what lies outside by v labels costs :math:`w_{sf} v^2`, much more
where it is also further than one label from :math:`d_{sf}`. A swap that raises no cost is taken.
Where none is found the weight w of what is uneven grows (breakout local search: Morris, "The
breakout method for escaping from local minima", AAAI 1993).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[Any]

CANDIDATES = 64
"""Swaps of which the best is taken."""

FAR = 64
"""How much worse it is to be further than one label from the exact share."""

WORK = 300_000_000
"""Labels looked at before giving up: some seconds, on whatever data."""

compiled = njit(cache=True)


@compiled
def price(count: int, low: int, high: int, slack: int) -> int:
    """What a count costs: little where it is still within one label of the exact share."""
    v = max(0, count - high, low - count)
    return v * v + FAR * max(0, v - slack) ** 2


@compiled
def price_changes(
    s: int, f: int, counts: Array, low: Array, high: Array, slack: Array, w: Array, more: Array,
    less: Array,
) -> None:  # fmt: skip
    """Note what one label more, and one less, of stratum s in part f would cost."""
    count, bounds = counts[s, f], (low[s, f], high[s, f], slack[s, f])
    now = price(count, *bounds)
    more[s, f] = w[s, f] * (price(count + 1, *bounds) - now)
    less[s, f] = w[s, f] * (price(count - 1, *bounds) - now)


@compiled
def cost_of_swap(
    codes: Array, task_at: Array, a: int, b: int, f: int, g: int, more: Array, less: Array
) -> int:
    """What it costs to swap row a of part f and row b of part g."""
    total = 0
    for t in range(codes.shape[1]):
        one, other = codes[a, t], codes[b, t]
        if one == other:
            continue
        if one >= 0:
            total += less[one, f] + more[one, g]
        if other >= 0:
            total += more[other, f] + less[other, g]
        if one < 0:
            total += more[task_at[t], f] + less[task_at[t], g]
        elif other < 0:
            total += less[task_at[t], f] + more[task_at[t], g]
    return total


@compiled
def move_label(
    s: int, f: int, g: int, counts: Array, low: Array, high: Array, slack: Array, w: Array,
    more: Array, less: Array,
) -> None:  # fmt: skip
    """Count a label of stratum s in part g, no longer in f."""
    counts[s, f] -= 1
    counts[s, g] += 1
    price_changes(s, f, counts, low, high, slack, w, more, less)
    price_changes(s, g, counts, low, high, slack, w, more, less)


@compiled
def draw(state: Array, n: int) -> int:
    """A number below n: the generator of numba is global, this one is not (Knuth's MMIX)."""
    state[0] = state[0] * np.uint64(6364136223846793005) + np.uint64(1442695040888963407)
    return int((state[0] >> np.uint64(33)) % np.uint64(n))


@compiled
def uneven(counts: Array, low: Array, high: Array, slack: Array, state: Array):
    """The price of all counts, and one of the cells that cost anything, drawn at random."""
    total, n_seen, s, f = 0, 0, -1, -1
    for i in range(counts.shape[0]):
        for j in range(counts.shape[1]):
            cost = price(counts[i, j], low[i, j], high[i, j], slack[i, j])
            if cost:
                total += cost
                n_seen += 1
                if draw(state, n_seen) == 0:
                    s, f = i, j
    return total, s, f


@compiled
def find_row(codes: Array, part: Array, s: int, t: int, f: int, has: bool, state: Array) -> int:
    """A row with (or without) a label of stratum s, in part f or, for f < 0, in none but ~f.

    The walk starts anywhere; -1 if there is no such row. A column's task is any of its labels.
    """
    n_rows = len(part)
    start = draw(state, n_rows)
    for i in range(n_rows):
        row = start + i
        row = row if row < n_rows else row - n_rows
        if (part[row] == f) if f >= 0 else (part[row] != ~f):
            code = codes[row, t]
            if ((code == s) if s >= 0 else (code >= 0)) == has:
                return row
    return -1


@compiled
def best_swap(
    codes: Array, task_at: Array, part: Array, s: int, t: int, f: int, too_many: bool,
    more: Array, less: Array, state: Array,
):  # fmt: skip
    """The cheapest of some swaps that make stratum s less uneven in part f."""
    stratum = s if s < task_at[0] else -1
    best_a, best_b, best = -1, -1, 0
    for _ in range(CANDIDATES):
        a = find_row(codes, part, stratum, t, f, too_many, state)
        b = find_row(codes, part, stratum, t, ~f, not too_many, state)
        if a < 0 or b < 0:
            break
        cost = cost_of_swap(codes, task_at, a, b, f, part[b], more, less)
        if best_a < 0 or cost < best:
            best_a, best_b, best = a, b, cost
    return best_a, best_b, best


@compiled
def repair(
    codes: Array, column_of: Array, task_at: Array, part: Array, counts: Array, low: Array,
    high: Array, slack: Array, seed: int, work: int,
):  # fmt: skip
    """The most even parts found and their price; ``counts`` holds all classes, then all tasks."""
    state = np.array([seed], dtype=np.uint64)
    w, more, less = np.ones_like(counts), np.zeros_like(counts), np.zeros_like(counts)
    for s in range(counts.shape[0]):
        for f in range(counts.shape[1]):
            price_changes(s, f, counts, low, high, slack, w, more, less)
    best, kept = np.iinfo(np.int64).max, part.copy()
    step_work = CANDIDATES * codes.shape[1] + counts.size
    for _ in range(max(work // step_work, 1)):
        total, s, f = uneven(counts, low, high, slack, state)
        if total < best:
            best, kept = total, part.copy()
        if s < 0:
            break
        too_many = counts[s, f] > high[s, f]
        a, b, cost = best_swap(
            codes, task_at, part, s, column_of[s], f, too_many, more, less, state
        )
        if a < 0 or cost > 0:
            w[s, f] += 1
            price_changes(s, f, counts, low, high, slack, w, more, less)
        if a >= 0 and cost <= 0:
            g = int(part[b])
            part[a], part[b] = g, f
            for t in range(codes.shape[1]):
                one, other = int(codes[a, t]), int(codes[b, t])
                if one >= 0:
                    move_label(one, f, g, counts, low, high, slack, w, more, less)
                    move_label(task_at[t], f, g, counts, low, high, slack, w, more, less)
                if other >= 0:
                    move_label(other, g, f, counts, low, high, slack, w, more, less)
                    move_label(task_at[t], g, f, counts, low, high, slack, w, more, less)
    return kept, best
