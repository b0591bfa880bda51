"""Statistics of squared loss for every fold from one pass over the rows."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.linear.objective._merged_statistics import (
    MergedStatistics,
    block_statistics,
    groups_of,
)
from skmtl.linear.solvers._select import fits_in_grams
from skmtl.sources._stored_rows import StoredRows

Array = NDArray[Any]
Folds = Sequence[tuple[Array, Array]]

KEPT_AT_ONCE = 4
"""Gram matrices that `fold_statistics` keeps for each fold."""

MOST_FOLDS = 10
"""Folds that are thought of before it is known how many there are."""


FoldStatistics = list[tuple[MergedStatistics, MergedStatistics]]
"""Statistics of the training rows and of the held-out rows of every fold."""


def folds_fit(X: Any, weights: Array, folds: Folds) -> bool:
    """Whether `fold_statistics` fits into memory, and serves all solvers."""
    n_rows, n_features = min(len(train) for train, _ in folds), X.shape[1]
    n_grams = int(groups_of(weights).max()) + 1
    n_bytes = 8 * KEPT_AT_ONCE * len(folds) * n_grams * n_features**2
    return n_rows > 0 and fits_in_grams((n_rows, n_features), n_bytes)


def surely_fit(X: Any, y: Any) -> bool:
    """Whether `folds_fit` is true of up to ten folds, whatever labels are missing."""
    if not hasattr(X, "shape") or len(X.shape) != 2 or not hasattr(y, "shape"):
        return False
    n_tasks = y.shape[1] if len(y.shape) == 2 else 1
    return fits_in_grams(X.shape, 8 * KEPT_AT_ONCE * MOST_FOLDS * n_tasks * X.shape[1] ** 2)


def fold_statistics(X: Any, values: Array, weights: Array, folds: Folds) -> FoldStatistics:
    """Statistics (train, test) of every fold.

    Where the test sets share no row and training is on all others, each row is read once: the
    training rows of a fold are the test rows of the others, put together. Taking the test rows
    off the total instead would lose digits where they are what a feature varies in.
    """
    read = partial(_read, X, values, weights, groups_of(weights))
    tests = [test for _, test in folds]
    if not _is_partition(folds, len(values)):
        found = read([train for train, _ in folds] + tests)
        return list(zip(found[: len(folds)], found[len(folds) :], strict=True))
    rest = np.setdiff1d(np.arange(len(values)), np.concatenate(tests))
    *held_out, before = read([*tests, rest])
    return list(zip(_all_but_one(held_out, before if len(rest) else None), held_out, strict=True))


def _read(
    X: Any, values: Array, weights: Array, group: Array, sets: list[Array]
) -> list[MergedStatistics]:
    """Statistics of some sets of rows; of rows in a source, in one pass over its blocks."""
    if not isinstance(X, StoredRows):
        return [block_statistics(X[rows], values[rows], weights[rows], group) for rows in sets]
    # A row may be in a set more than once.
    sets = [np.sort(rows) for rows in sets]

    def along(part: slice) -> tuple[Any, ...]:
        places = [np.searchsorted(rows, [part.start, part.stop]) for rows in sets]
        some = [rows[slice(*ends)] for rows, ends in zip(sets, places, strict=True)]
        return [rows - part.start for rows in some], values[part], weights[part]

    found: list[Any] = X.total(partial(_of_sets, group), along, _sum_each)
    return found


def _of_sets(
    group: Array, X: Array, sets: list[Array], values: Array, weights: Array
) -> list[MergedStatistics | None]:
    """Statistics of some sets of rows of a block; None of a set that has none there."""
    return [
        block_statistics(X[rows], values[rows], weights[rows], group) if len(rows) else None
        for rows in sets
    ]


def _sum_each(
    ours: list[MergedStatistics | None], theirs: list[MergedStatistics | None]
) -> list[MergedStatistics | None]:
    return [_sum(one, other) for one, other in zip(ours, theirs, strict=True)]


def _all_but_one(
    blocks: list[MergedStatistics], before: MergedStatistics | None
) -> list[MergedStatistics]:
    """Sum of ``before`` (may be None) and all blocks but one, for each."""
    after: list[MergedStatistics | None] = [None]
    for block in reversed(blocks[1:]):
        after.append(_sum(block, after[-1]))
    found = []
    for block, rest in zip(blocks, reversed(after), strict=True):
        found.append(_sum(before, rest))
        before = _sum(before, block)
    return found


def _sum(a: MergedStatistics | None, b: MergedStatistics | None) -> Any:
    if a is None or b is None:
        return a if b is None else b
    return a.plus(b)


def _is_partition(folds: Folds, n_rows: int) -> bool:
    """Whether test sets are disjoint and each is all that its training set lacks."""
    times = np.zeros(n_rows, dtype=np.intp)
    for train, test in folds:
        lacks = np.ones(n_rows, dtype=bool)
        lacks[train] = False
        if len(train) + len(test) != n_rows or not lacks[test].all():
            return False
        times[test] += 1
    return bool((times <= 1).all())
