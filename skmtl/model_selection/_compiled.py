r"""Compiled parts of stratification: whole rows go to parts, the labels of every task even out.

The label counts of stratum s (a class, a task) in part f are :math:`n_{sf}`; wanted are
:math:`d_{sf} = r_f N_s`, r the share of the part, N the count in all rows.
"""

from __future__ import annotations

import heapq
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.model_selection._swaps import compiled, compiled_inside, inlined

Array = NDArray[Any]


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
        if room[f] > 0:
            most = max(most, need[rarest, f])
    best, best_merit = -1, -np.inf
    for f in range(len(room)):
        if room[f] > 0 and need[rarest, f] > most - 0.999 * unit[rarest]:
            value = merit(codes, task_of, row, f, need, task_need)
            if value > best_merit:
                best, best_merit = f, value
    return best


@compiled
def stratify_rows(
    codes: Array, task_of: Array, members: Array, starts: Array, room: Array, need: Array,
    task_need: Array, unit: Array, task_unit: Array,
) -> Array:  # fmt: skip
    """Iterative stratification: the stratum with fewest rows left hands out its rows.

    A row goes where its stratum is wanted most. Parts that want it alike, to less than one
    label, are told apart by `merit` (in the paper by the rows they still want). ``members``
    from ``starts[s]`` to ``starts[s + 1]`` are the rows of stratum s; ``room`` the rows that a
    part still takes.
    """
    part = np.full(len(codes), -1, dtype=np.int32)
    left = (starts[1:] - starts[:-1]).copy()
    # Entries are kept when a stratum shrinks; they are then out of date.
    heap = [(left[s], s) for s in range(len(left)) if left[s]]
    heapq.heapify(heap)
    shrunk, seen_at = np.empty(len(left), dtype=np.int64), np.full(len(left), -1)
    while heap:
        n_left, rarest = heapq.heappop(heap)
        if n_left != left[rarest]:
            continue
        n_shrunk = 0
        for row in members[starts[rarest] : starts[rarest + 1]]:
            if part[row] >= 0:
                continue
            best = most_wanted(codes, task_of, row, rarest, room, need, task_need, unit)
            part[row] = best
            room[best] -= 1
            take(codes, task_of, row, best, need, task_need, unit, task_unit)
            for s in codes[row]:
                if s >= 0:
                    left[s] -= 1
                    if seen_at[s] != rarest:
                        shrunk[n_shrunk], seen_at[s] = s, rarest
                        n_shrunk += 1
        for s in shrunk[:n_shrunk]:
            if left[s]:
                heapq.heappush(heap, (left[s], s))
    return part


@compiled
def stratify_groups(
    codes: Array, task_of: Array, members: Array, starts: Array, order: Array, room: Array,
    need: Array, task_need: Array, unit: Array, task_unit: Array,
) -> Array:  # fmt: skip
    """Whole groups, in the given order, each to the part where its labels are wanted most.

    ``members`` from ``starts[g]`` to ``starts[g + 1]`` are the rows of group g; ``room`` is
    the share of the rows that a part still wants, and counts like one task.
    """
    part = np.full(len(codes), -1, dtype=np.int32)
    for g in order:
        rows = members[starts[g] : starts[g + 1]]
        best, best_merit = -1, -np.inf
        for f in range(len(room)):
            value = len(rows) * room[f]
            for row in rows:
                value += merit(codes, task_of, row, f, need, task_need)
            if value > best_merit:
                best, best_merit = f, value
        room[best] -= len(rows) / len(codes)
        for row in rows:
            part[row] = best
            take(codes, task_of, row, best, need, task_need, unit, task_unit)
    return part
