r"""Swaps of rows between parts, until no task and no class is more uneven than counts force.

The count of stratum s in part f may lie between :math:`\lfloor d_{sf} \rfloor` and
:math:`\lceil d_{sf} \rceil`; what lies outside by v labels costs :math:`w_{sf} v^2`, much more
where it is also further than one label from :math:`d_{sf}`. A swap that raises no cost is taken.
Where none is found among more and more pairs of rows, the weight w of what is uneven grows
(breakout local search: Morris, "The breakout method for escaping from local minima", AAAI 1993).

A swap changes the counts of about half of the tasks by one, wherever labels are missing at random:
that is what limits how even many tasks can get at once, not the number of rows.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl._compile import address_of, called_by_address
from skmtl.model_selection._swaps import (
    CELLS,
    LOOKED_AT,
    OF_BEST_SWAP,
    best_swap,
    compiled,
    compiled_inside,
    draw,
    find_rows,
)

Array = NDArray[Any]

FAR = 64
"""How much worse it is to be further than one label from the exact share."""

FEW, MANY = 16, 500
"""Rows paired with as many others: more where no swap of fewer helps."""

FORGET = 300
"""Weight at which all weights start again: a search that only remembers goes in circles."""

STEP = 4000
"""Labels looked at in the time that a swap takes apart from that."""

WORK = 2_000_000_000
"""Labels looked at before giving up: a few seconds, on whatever data."""

PAIRS = 5
"""Pairs of rows compared in the time that it takes to look at one row."""

call_best_swap = called_by_address(OF_BEST_SWAP)


@compiled_inside
def price(count: int, s: int, f: int, bounds: Array) -> int:
    """What a count costs: little where it is still within one label of the exact share.

    See `local_search` for ``bounds``.
    """
    v, under = count - bounds[s, f, 1], bounds[s, f, 0] - count
    v = max(under, v)
    if v <= 0:
        return 0
    beyond = v - bounds[s, f, 2]
    absent = bounds[s, f, 3] if count == 0 else 0
    return v * v + (FAR * beyond * beyond if beyond > 0 else 0) + absent


@compiled_inside
def price_changes(
    s: int, f: int, counts: Array, bounds: Array, w: Array, more: Array, less: Array
) -> None:
    """Note what one label more, and one less, of stratum s in part f would cost."""
    count = counts[s, f]
    now = price(count, s, f, bounds)
    more[s, f] = w[s, f] * (price(count + 1, s, f, bounds) - now)
    less[s, f] = w[s, f] * (price(count - 1, s, f, bounds) - now)


@compiled_inside
def move_row(
    codes: Array, task_at: Array, row: int, f: int, g: int, counts: Array, bounds: Array,
    w: Array, more: Array, less: Array,
) -> None:  # fmt: skip
    """Count the labels of a row in part g, no longer in f."""
    for t in range(codes.shape[1]):
        if codes[row, t]:
            for s in (np.int64(codes[row, t]), np.int64(task_at[t])):
                if s:
                    counts[s, f] -= 1
                    counts[s, g] += 1
                    price_changes(s, f, counts, bounds, w, more, less)
                    price_changes(s, g, counts, bounds, w, more, less)


@compiled_inside
def uneven(counts: Array, bounds: Array, state: Array) -> tuple[int, int, int]:
    """The price of all counts, and one of the cells that cost anything, drawn at random."""
    total, n_seen, s, f = 0, 0, -1, -1
    for i in range(counts.shape[0]):
        for j in range(counts.shape[1]):
            cost = price(counts[i, j], i, j, bounds)
            if cost:
                total += cost
                n_seen += 1
                if draw(state, n_seen) == 0:
                    s, f = i, j
    return total, s, f


@compiled_inside
def reset_weights(counts: Array, bounds: Array, w: Array, more: Array, less: Array) -> None:
    """Let all cells cost the same."""
    for s in range(1, counts.shape[0]):
        for f in range(counts.shape[1]):
            w[s, f] = 1
            price_changes(s, f, counts, bounds, w, more, less)


@compiled_inside
def raise_weights(f: int, counts: Array, bounds: Array, w: Array, more: Array, less: Array) -> int:
    """Make what is uneven in part f cost more; the largest of its weights."""
    largest = 0
    for s in range(counts.shape[0]):
        if price(counts[s, f], s, f, bounds):
            w[s, f] += 1
            largest = max(largest, w[s, f])
            price_changes(s, f, counts, bounds, w, more, less)
    return largest


@compiled
def search(
    best_swap_at: Any, codes: Array, column_of: Array, task_at: Array, n_labels: int,
    part: Array, kept: Array, rows: Array, ends: Array, counts: Array, bounds: Array, w: Array,
    more: Array, less: Array, a: Array, b: Array, u: Array, v: Array, cost: Array, has: Array,
    state: Array, work: int,
) -> int:  # fmt: skip
    """Swap rows until nothing is uneven, or the work is done; see `local_search`."""
    n_parts, n_columns = counts.shape[1], codes.shape[1]
    # numba would compile what takes a constant once more: for it.
    n: Any = np.int64(FEW)
    best, top = -1, FORGET + 1
    while work > 0:
        if top > FORGET:
            reset_weights(counts, bounds, w, more, less)
            top = 0
        total, s, f = uneven(counts, bounds, state)
        if best < 0 or total < best:
            best = total
            for i in range(len(part)):
                kept[i] = part[i]
        if s < 0:
            break
        g = (f + 1 + draw(state, n_parts - 1)) % n_parts
        too_many = counts[s, f] > bounds[s, f, 1]
        label, t = (s if s <= n_labels else 0), column_of[s]
        n_a = find_rows(
            codes, rows, ends[f], ends[f + 1], label, t, too_many, LOOKED_AT * n, a, state
        )
        n_b = find_rows(
            codes, rows, ends[g], ends[g + 1], label, t, not too_many, LOOKED_AT * n, b, state
        )
        work -= STEP + counts.size + ends[f + 1] - ends[f] + ends[g + 1] - ends[g]
        if n_a == 0 or n_b == 0:
            raise_weights(f, counts, bounds, w, more, less)
            continue
        i, j, change, n_pairs = call_best_swap(
            best_swap_at,
            (codes, column_of, task_at, rows, f, g, a, n_a, b, n_b, more, less, n, u, v, cost, has),
        )
        work -= n_columns * (n_a + n_b + n_pairs // PAIRS)
        if change <= 0:
            row, other = rows[i], rows[j]
            rows[i], rows[j], part[row], part[other] = other, row, g, f
            move_row(codes, task_at, row, f, g, counts, bounds, w, more, less)
            move_row(codes, task_at, other, g, f, counts, bounds, w, more, less)
        if change < 0:
            n = n * 3 // 4 if n * 3 // 4 > FEW else np.int64(FEW)
        elif n < MANY and n_pairs >= n * n:
            n = 2 * n if 2 * n < MANY else np.int64(MANY)
        else:
            raise_weights(f, counts, bounds, w, more, less)
            top = raise_weights(g, counts, bounds, w, more, less)
    return best


def local_search(
    codes: Array, column_of: Array, task_at: Array, part: Array, bounds: Array, seed: int,
    work: int,
) -> tuple[Array, int]:  # fmt: skip
    """The most even parts found, and their price.

    Strata are numbered from 1, first those of labels, then those of whole tasks that have
    several: the task of column t is stratum ``task_at[t]``, or 0 where it has only one. ``codes``
    are 0 where unobserved. ``bounds[s, f]`` are the fewest and the most labels of stratum s in part
    f, how many may be beyond at little cost, and what none costs where there should be some.
    ``work`` is about the number of labels looked at before giving up.
    """
    shape = bounds.shape[:2]
    n_labels = shape[0] - 1 - int(np.count_nonzero(task_at))
    counts = count_labels(codes, column_of, task_at, part, shape, n_labels)
    rows = np.random.RandomState(seed).permutation(len(part))
    rows = rows[np.argsort(part[rows], kind="stable")]
    ends = np.concatenate([[0], np.cumsum(np.bincount(part, minlength=shape[1]))])
    tables = np.ones_like(counts), np.zeros_like(counts), np.zeros_like(counts)
    n_paired = min(MANY, max(CELLS // len(counts), FEW), len(part))
    n_found = min(LOOKED_AT * MANY, len(part))
    places, costs = np.empty((2, n_found), dtype=np.int64), np.empty((2, n_found))
    memory = (
        *places,
        *costs,
        np.empty(max(len(counts), n_paired)),
        np.empty((len(counts), n_paired)),
    )
    state, kept = np.array([seed], dtype=np.uint64), part.copy()
    cheapest = search(
        address_of_best_swap(), codes, column_of, task_at, n_labels, part.copy(), kept, rows, ends,
        counts, bounds, *tables, *memory, state, work,
    )  # fmt: skip
    return kept, cheapest


@cache
def address_of_best_swap() -> Any:
    """Where `best_swap` is, once it is compiled."""
    return address_of(best_swap, OF_BEST_SWAP)


def count_labels(
    codes: Array, column_of: Array, task_at: Array, part: Array, shape: tuple[int, ...],
    n_labels: int,
) -> Array:  # fmt: skip
    """Labels of each stratum in each part; none of stratum 0."""
    counts = np.zeros(shape, dtype=np.int64)
    for column in codes.T:
        cells = column.astype(np.int64) * shape[1] + part
        counts += np.bincount(cells, minlength=counts.size).reshape(shape)
    labels = slice(1, 1 + n_labels)
    np.add.at(counts, task_at[column_of[labels]], counts[labels])
    counts[0] = 0
    return counts
