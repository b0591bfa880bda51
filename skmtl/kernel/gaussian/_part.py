"""Which rows hyper-parameters are found on, where labels are too many for a search."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.kernel.gaussian._cells import Cells

Array = NDArray[Any]

SEED = 0
"""Of the rows that are drawn: the same in every fit."""
MOST_SEARCHED = 2_000
"""Rows of complete labels, or cells, whose likelihood is maximised: half a minute."""
MOST_SLOPES = 2**27
"""Slopes of the kernel in its parameters that are in memory at a time."""


def rows_to_search(cells: Cells, n_parameters: int) -> Array | None:
    """Rows of some labels of every task; None for all of them."""
    n_rows, n_tasks = cells.shape
    most_rows = int(np.sqrt(MOST_SLOPES / max(n_parameters, 1)))
    most_rows = min(MOST_SEARCHED, most_rows)
    size = n_rows if cells.is_complete else len(cells.rows)
    if size <= MOST_SEARCHED and n_rows <= most_rows:
        return None
    order = np.random.RandomState(SEED).permutation(n_rows)
    if cells.is_complete:
        return np.sort(order[:most_rows])
    # First some rows of every task, which may have few: half of all, in equal parts.
    place = np.argsort(order)[cells.rows]
    by_task = np.lexsort((place, cells.tasks))
    starts = np.searchsorted(cells.tasks[by_task], np.arange(n_tasks))
    turn = np.arange(len(place)) - starts[cells.tasks[by_task]]
    first = by_task[turn < max(MOST_SEARCHED // (2 * n_tasks), 2)]
    rank = np.arange(n_rows)[np.argsort(order)]
    rank[cells.rows[first]] -= n_rows
    order = np.argsort(rank)
    used = np.cumsum(np.bincount(cells.rows, minlength=n_rows)[order]) <= MOST_SEARCHED
    used[: len(np.unique(cells.rows[first]))] = True
    return np.sort(order[used & (np.arange(n_rows) < most_rows)])
