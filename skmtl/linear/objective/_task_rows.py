"""Weighted Gram matrices of the rows of each task, in long form.

Tasks with about as many rows are taken together, while their rows are in the cache.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.linear.objective._weighted_grams import dense, symmetric, weighted_grams

Array = NDArray[Any]

CHUNK_NUMBERS = 2**15
"""Numbers of the rows of a chunk of tasks."""

FEW_ROWS = 32
"""Rows of a task up to which one call for many tasks pays."""

COPY_NUMBERS = 2**20
"""Numbers of the rows of one task that are copied at a time where they are scattered."""


class TaskRows:
    """The rows of each task, tasks with few rows first, so that neighbours have about as many.

    Attributes
    ----------
    tasks : ndarray of shape (n_tasks,)
        Tasks in this order.
    starts : ndarray of shape (n_tasks + 1,)
        Where the rows of each begin in ``order``, and the end.
    order : ndarray of shape (n_samples,) or None
        Rows in the order of these tasks; None where they are so already.
    """

    def __init__(self, task_index: Array, n_tasks: int) -> None:
        counts = np.bincount(task_index, minlength=n_tasks)
        self.tasks = np.argsort(counts, kind="stable")
        self.starts = np.concatenate([[0], np.cumsum(counts[self.tasks])])
        place = np.argsort(self.tasks)[task_index]
        is_ordered = bool((place[1:] >= place[:-1]).all())
        self.order = None if is_ordered else np.argsort(place, kind="stable")

    def take(self, start: int, end: int) -> Any:
        """Rows at some places of the order."""
        return slice(start, end) if self.order is None else self.order[start:end]

    def chunks(self, n_rows: int) -> Iterator[tuple[int, int]]:
        """Ranges of tasks with ``n_rows`` rows or one task, none twice as large as another."""
        counts = np.diff(self.starts)
        first = int(np.searchsorted(counts, 1))
        while first < len(counts):
            last = int(np.searchsorted(self.starts, self.starts[first] + n_rows, side="right")) - 1
            alike = int(np.searchsorted(counts, 2 * counts[first], side="right"))
            end = max(min(last, alike), first + 1)
            yield first, end
            first = end


def weighted_grams_of_tasks(
    X: Any, h: Array, offset: Array, rows: TaskRows, n_more: int = 0
) -> Array:
    """Gram matrices (n_tasks, K, p, p) of the rows of each task, of weights h (n, K).

    ``n_more`` is room for further rows and columns: they are 0.
    """
    p, K = X.shape[1], h.shape[1]
    with_more = np.zeros((len(rows.tasks), K, p + n_more, p + n_more))
    grams = with_more[:, :, :p, :p]
    n_copied = max(COPY_NUMBERS // p, 1)
    for first, end in rows.chunks(max(CHUNK_NUMBERS // p, 1)):
        tasks, starts = rows.tasks[first:end], rows.starts[first : end + 1]
        if len(tasks) == 1:
            for start in range(starts[0], starts[1], n_copied):
                some = rows.take(start, min(start + n_copied, starts[1]))
                grams[tasks[0]] += weighted_grams(X[some], h[some], offset)
            continue
        some = rows.take(starts[0], starts[-1])
        product = _of_few_rows if starts[-1] - starts[-2] <= FEW_ROWS else _task_by_task
        x = dense(X[some]) - offset
        grams[tasks] = symmetric(product(x, h[some], starts - starts[0]))
    return with_more


def _of_few_rows(x: Array, h: Array, starts: Array) -> Array:
    """One product of stacks of rows, filled up to the same number for each task."""
    counts = np.diff(starts)
    steps = np.arange(counts.max())
    rows = np.minimum(starts[:-1, None] + steps, len(x) - 1)
    weights = h[rows] * (steps < counts[:, None])[:, :, None]
    stack = x[rows]
    transposed = stack.swapaxes(1, 2)
    columns = range(h.shape[1])
    return np.stack([transposed @ (stack * weights[:, :, k, None]) for k in columns], axis=1)


def _task_by_task(x: Array, h: Array, starts: Array) -> Array:
    grams = np.empty((len(starts) - 1, h.shape[1], x.shape[1], x.shape[1]))
    for k, column in enumerate(h.T):
        weighted = x * column[:, None]
        for t, (start, end) in enumerate(pairwise(starts.tolist())):
            np.matmul(x[start:end].T, weighted[start:end], out=grams[t, k])
    return grams
