r"""Compiled parts of stratification: whole rows go to parts, the labels of every task even out.

The label counts of stratum s (a class, a task) in part f are :math:`n_{sf}`; wanted are
:math:`d_{sf} = r_f N_s`, r the share of the part, N the count in all rows.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.model_selection._swaps import compiled, compiled_inside, inlined

Array = NDArray[Any]

NONE = np.iinfo(np.int64).max
"""Rows left in a stratum that has none: it comes last."""


@compiled_inside
def merit(codes: Array, task_of: Array, row: int, f: int, need: Array, task_need: Array) -> float:
    r"""How much the labels of a row are wanted in part f: :math:`\sum_s (d_{sf} - n_{sf}) / d_s`.

    It is, but for what is the same in all parts, by how much the row lowers
    :math:`\sum_{sf} (d_{sf} - n_{sf})^2 / d_s`. ``need`` holds the summands, scaled.
    """
    total = 0.0
    for t in range(codes.shape[1]):
        stratum = codes[row, t]
        if stratum >= 0:
            total += need[stratum, f] + task_need[task_of[stratum], f]
    return total


@compiled_inside
def take(
    codes: Array, task_of: Array, row: int, f: int, need: Array, task_need: Array, unit: Array,
    task_unit: Array,
) -> None:  # fmt: skip
    """Put a row into part f: every label is wanted less there."""
    for t in range(codes.shape[1]):
        stratum = codes[row, t]
        if stratum >= 0:
            need[stratum, f] -= unit[stratum]
            task_need[task_of[stratum], f] -= task_unit[task_of[stratum]]


@inlined
def most_wanted(
    codes: Array, task_of: Array, row: int, rarest: int, room: Array, need: Array,
    task_need: Array, unit: Array,
) -> int:  # fmt: skip
    """The part with room that wants stratum ``rarest`` most, ties by `merit` of the row."""
    most = -np.inf
    for f in range(len(room)):
        if room[f] > 0 and need[rarest, f] > most:
            most = need[rarest, f]
    # Not a constant: numba would compile what takes it once more, for that.
    best: Any = np.int64(-1)
    best_merit = -np.inf
    for f in range(len(room)):
        if room[f] > 0 and need[rarest, f] > most - 0.999 * unit[rarest]:
            value = merit(codes, task_of, row, f, need, task_need)
            if value > best_merit:
                best, best_merit = f, value
    return best


@compiled
def lessen(tree: Array, s: int) -> None:
    """One row less in stratum s; see `tournament`."""
    node = len(tree) // 2 + s
    tree[node] -= 1
    if tree[node] == 0:
        tree[node] = NONE
    while node > 1:
        least = min(tree[node ^ 1], tree[node])
        node //= 2
        if tree[node] == least:
            break
        tree[node] = least


@compiled
def stratify_rows(
    codes: Array, task_of: Array, members: Array, starts: Array, tree: Array, room: Array,
    need: Array, task_need: Array, unit: Array, task_unit: Array, part: Array,
) -> None:  # fmt: skip
    """Iterative stratification: the stratum with fewest rows left hands out its rows.

    A row goes where its stratum is wanted most. Parts that want it alike, to less than one
    label, are told apart by `merit` (in the paper by the rows they still want). ``members``
    from ``starts[s]`` to ``starts[s + 1]`` are the rows of stratum s, and ``tree`` the
    `tournament` of their numbers; ``room`` the rows that a part still takes. ``part`` is -1.
    """
    n_leaves = len(tree) // 2
    while tree[1] < NONE:
        rarest = 1
        while rarest < n_leaves:
            # Of strata with as many rows the first.
            rarest = 2 * rarest + (tree[2 * rarest + 1] < tree[2 * rarest])
        rarest -= n_leaves
        for i in range(starts[rarest], starts[rarest + 1]):
            row = members[i]
            if part[row] < 0:
                best = most_wanted(codes, task_of, row, rarest, room, need, task_need, unit)
                part[row] = best
                room[best] -= 1
                take(codes, task_of, row, best, need, task_need, unit, task_unit)
                for t in range(codes.shape[1]):
                    if codes[row, t] >= 0:
                        lessen(tree, codes[row, t])


def tournament(counts: Array) -> Array:
    """The counts, in the second half, and of nodes 2 i and 2 i + 1 the smaller in i.

    The smallest is in 1; a count of 0 takes no part.
    """
    n_leaves = 1 << (len(counts) - 1).bit_length()
    tree = np.full(2 * n_leaves, NONE)
    tree[n_leaves : n_leaves + len(counts)] = np.where(counts > 0, counts, NONE)
    while n_leaves > 1:
        n_leaves //= 2
        level = tree[2 * n_leaves : 4 * n_leaves]
        tree[n_leaves : 2 * n_leaves] = level.reshape(-1, 2).min(axis=1)
    return tree


@compiled
def stratify_groups(
    codes: Array, task_of: Array, members: Array, starts: Array, order: Array, room: Array,
    need: Array, task_need: Array, unit: Array, task_unit: Array, part: Array,
) -> None:  # fmt: skip
    """Whole groups, in the given order, each to the part where its labels are wanted most.

    ``members`` from ``starts[g]`` to ``starts[g + 1]`` are the rows of group g; ``room`` is
    the share of the rows that a part still wants, and counts like one task.
    """
    for g in order:
        size = starts[g + 1] - starts[g]
        best, best_merit = -1, -np.inf
        for f in range(len(room)):
            value = size * room[f]
            for i in range(starts[g], starts[g + 1]):
                value += merit(codes, task_of, members[i], f, need, task_need)
            if value > best_merit:
                best, best_merit = f, value
        room[best] -= size / len(codes)
        for i in range(starts[g], starts[g + 1]):
            part[members[i]] = best
            take(codes, task_of, members[i], best, need, task_need, unit, task_unit)
