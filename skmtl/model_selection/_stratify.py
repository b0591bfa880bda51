"""Rows to parts of given sizes, the labels of every task and class spread by the same shares."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.model_selection._strata import Strata

Array = NDArray[Any]

DEALT_BY = 8
"""Labels of a row that `deal_by_rarity` looks at: few rows are alike in more, and differ then."""

FEWEST, MOST, WIDER = np.array([[1, 0, 0, 0], [0, 1, 0, 0], [-1, 1, -1, 0]])
"""Among `_bounds`; and how these change where a label beyond an exact share costs nothing."""

ABSENT = 4096, 10**8
"""Price of a part without a label of a stratum: of many counts that are uneven, or of all.

With the first evenness is found more easily, but it may be at the cost of another empty part.
"""


def stratify(strata: Strata, sizes: Array, shares: Array, rng: Any, groups: Any = None) -> Array:
    """Part of each row; ``rng`` None keeps the order of the rows, and nothing is random.

    Part f has ``sizes[f]`` rows, and ``shares[f]`` of the labels. With ``groups`` (codes 0,
    1, ...) rows of a group stay together, and sizes too are only approximate.
    """
    n_rows = len(strata.codes)
    order = np.arange(n_rows) if rng is None else rng.permutation(n_rows)
    part = np.empty(n_rows, dtype=np.int32)
    if groups is not None:
        part[order] = _stratify_groups(strata, order, shares, groups[order])
    elif strata.codes.shape[1] == 1:
        part = _deal(strata, sizes, order, rng)
    else:
        seed = 0 if rng is None else int(rng.randint(2**31 - 1))
        part[order] = _stratify_rows(strata, order, sizes, shares, seed)
    return part


def _deal(strata: Strata, sizes: Array, order: Array, rng: Any) -> Array:
    """One label a row: sorted by task and class, the rows are dealt like cards.

    Rows of a class lie side by side, and so do those of a task: no part gets one more of them
    than another. Rows without a label come last.
    """
    code = strata.codes[order, 0]
    task = strata.task_of[code] if strata.task_index is None else strata.task_index[order]
    if rng is not None:
        # Else a task with few rows would meet the same part whatever the seed.
        task = rng.permutation(len(strata.task_names))[task]
        code = np.where(code < 0, -1, rng.permutation(len(strata.task_of))[code])
    piles = order[np.lexsort((code, task, code < 0))]
    part = np.empty(len(order), dtype=np.int32)
    start = 0 if rng is None else int(rng.randint(len(order)))
    part[piles] = _deal_order(sizes, start)
    return part


def deal_by_rarity(strata: Strata, n_parts: int, rng: Any) -> Array:
    """Sorted by their rarest label, then by the next, the rows are dealt like cards.

    Next to no work, and the rarest labels are even; what each task misses in other rows makes
    the counts of frequent ones differ by a few labels more than `stratify` would leave.
    """
    order = rng.permutation(len(strata.codes))
    n_strata = len(strata.task_of)
    # One place more, for what is unobserved: it comes last.
    rank = np.empty(n_strata + 1, dtype=strata.codes.dtype)
    rank[np.argsort(strata.counts, kind="stable")] = np.arange(n_strata)
    rank[-1] = n_strata
    ranks = np.sort(rank[strata.codes[order]], axis=1)[:, :DEALT_BY]
    part = np.empty(len(order), dtype=np.int32)
    part[order[np.lexsort(ranks.T[::-1])]] = np.arange(len(order)) % n_parts
    return part


def _deal_order(sizes: Array, start: int) -> Array:
    """Parts in the order of dealing: in any run of m cards part f has its share of m, rounded."""
    n_rows, n_parts = int(sizes.sum()), len(sizes)
    if sizes.max() - sizes.min() <= 1:
        return np.arange(n_rows) % n_parts
    parts = np.full(n_rows, n_parts - 1, dtype=np.int32)
    free = np.arange(n_rows)
    # One part after the other takes every (1 / share)-th of the cards that are left.
    for f in range(n_parts - 1):
        marks = (np.arange(len(free) + 1) * int(sizes[f]) + start % len(free)) // len(free)
        is_taken = np.diff(marks) > 0
        parts[free[is_taken]] = f
        free = free[~is_taken]
    return parts


def _needs(strata: Strata, shares: Array) -> tuple[Array, ...]:
    """Labels wanted in each part, in units of all of the stratum, and that unit."""
    scale, task_scale = (1.0 / np.maximum(c, 1) for c in (strata.counts, strata.task_counts))
    need = np.ones((len(scale), 1)) * shares
    return need, np.ones((len(task_scale), 1)) * shares, scale, task_scale


def _members(codes: Array, n_strata: int) -> tuple[Array, Array]:
    """Rows of each stratum, ascending, below each other, and where each begins."""
    rows, columns = np.nonzero(codes >= 0)
    found = codes[rows, columns]
    starts = np.concatenate([[0], np.cumsum(np.bincount(found, minlength=n_strata))])
    return rows[np.argsort(found, kind="stable")].astype(np.int32), starts


def _stratify_groups(strata: Strata, order: Array, shares: Array, groups: Array) -> Array:
    # On first use: importing numba takes longer than many a split.
    from skmtl.model_selection._compiled import stratify_groups

    members, starts = _members(groups[:, None].astype(np.int32), int(groups.max()) + 1)
    first = members[starts[:-1]]
    # Large groups first, small ones level what they leave; ties by the (shuffled) order of rows.
    by_size = np.lexsort((first, -np.diff(starts)))
    part = np.full(len(order), -1, dtype=np.int32)
    stratify_groups(
        strata.codes[order], strata.task_of, members, starts, by_size, shares.astype(float),
        *_needs(strata, shares), part,
    )  # fmt: skip
    return part


def _stratify_rows(strata: Strata, order: Array, sizes: Array, shares: Array, seed: int) -> Array:
    from skmtl.model_selection._compiled import stratify_rows, tournament
    from skmtl.model_selection._local_search import WORK, count_labels, local_search

    strata = strata.with_unlabelled_rows()
    codes, n_strata = strata.codes[order], len(strata.task_of)
    members, starts = _members(codes, n_strata)
    part = np.full(len(order), -1, dtype=np.int32)
    stratify_rows(
        codes, strata.task_of, members, starts, tournament(np.diff(starts)),
        sizes.astype(np.int64), *_needs(strata, shares), part,
    )  # fmt: skip
    codes += 1
    tables = _whole_tasks(strata)
    bounds = _bounds(strata, shares, tables[0])
    # First within one label of the share; then what is beyond an exact one.
    wider = bounds + bounds[..., 2:3] * WIDER
    part, price = local_search(codes, *tables, part, wider, seed, WORK)
    if not price:
        return local_search(codes, *tables, part, bounds, seed, WORK // 40)[0]

    def count_empty(part: Array) -> int:
        counts = count_labels(codes, *tables, part, bounds.shape[:2], n_strata)
        return int(((counts == 0) & (bounds[..., 0] > 0)).sum())

    if not count_empty(part):
        return part
    # One label wherever there can be one, whatever else; then evenness that leaves it there.
    some = np.minimum(bounds, 1) * FEWEST + len(part) * MOST
    part, _ = local_search(codes, *tables, part, some, seed, WORK // 8)
    for absent in ABSENT:
        wider[..., 3] = absent
        found, _ = local_search(codes, *tables, part, wider, seed, WORK // 8)
        if count_empty(found) <= count_empty(part):
            return found
    return part


def _whole_tasks(strata: Strata) -> tuple[Array, Array]:
    """Column of each stratum, and stratum of each column's task, as `local_search` numbers them.

    A task of one stratum is that stratum, and has no other.
    """
    has_several = np.bincount(strata.task_of) > 1
    task_at = np.zeros(len(has_several), dtype=strata.codes.dtype)
    task_at[has_several] = 1 + len(strata.task_of) + np.arange(has_several.sum())
    return np.concatenate([[0], strata.task_of, np.flatnonzero(has_several)]), task_at


def _bounds(strata: Strata, shares: Array, column_of: Array) -> Array:
    """Fewest and most labels of each stratum in each part, and what it may have beyond.

    What none costs comes last: no more than too few, here.
    """
    n_strata = len(strata.task_of)
    whole = strata.task_counts[column_of[1 + n_strata :]]
    wanted = np.concatenate([[0], strata.counts, whole])[:, None] * shares
    # A share such as 1/3 is rounded: 3 labels must not become 0.9999 a part.
    low, high = np.floor(wanted + 1e-9), np.ceil(wanted - 1e-9)
    # One label off an exact share is still within one of it, but no part goes without.
    slack = (low == high) & (low > 1)
    return np.stack([low, high, slack, 0 * low], axis=-1).astype(np.int64)
