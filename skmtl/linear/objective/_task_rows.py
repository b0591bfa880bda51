"""Weighted Gram matrices of the rows of each task, in long form, and their diagonals.

Tasks with about as many rows are taken together, while their rows are in the cache.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.linear.objective._weighted_grams import (
    dense,
    symmetric,
    weighted_grams,
    weighted_squares,
)

Array = NDArray[Any]

CHUNK_NUMBERS = 2**15
"""Numbers of the rows of a chunk of tasks."""

FEW_ROWS = 32
"""Rows of a task up to which one call for many tasks pays."""

PART_NUMBERS = 2**20
"""Numbers of the rows of one task that are taken at a time: a copy where they are scattered."""


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

    def pieces(self, n_features: int) -> Iterator[tuple[Array, Array, Any]]:
        """Tasks, where the rows of each begin, and the end, and these rows: some at a time.

        No task of several has twice the rows of another; one with very many comes in parts.
        """
        counts = np.diff(self.starts)
        n_rows, n_at_once = (max(n // n_features, 1) for n in (CHUNK_NUMBERS, PART_NUMBERS))
        first = int(np.searchsorted(counts, 1))
        while first < len(counts):
            last = int(np.searchsorted(self.starts, self.starts[first] + n_rows, side="right")) - 1
            alike = int(np.searchsorted(counts, 2 * counts[first], side="right"))
            last = max(min(last, alike), first + 1)
            tasks, starts = self.tasks[first:last], self.starts[first : last + 1]
            if len(tasks) > 1:
                yield tasks, starts - starts[0], self._take(starts[0], starts[-1])
            else:
                for start in range(starts[0], starts[1], n_at_once):
                    end = min(start + n_at_once, starts[1])
                    yield tasks, np.array([0, end - start]), self._take(start, end)
            first = last

    def _take(self, start: int, end: int) -> Any:
        """Rows at some places of the order."""
        return slice(start, end) if self.order is None else self.order[start:end]


def weighted_grams_of_tasks(
    X: Any, h: Array, offset: Array, rows: TaskRows, n_more: int = 0
) -> Array:
    """Gram matrices (n_tasks, K, p, p) of the rows of each task, of weights h (n, K).

    ``offset`` is (p, n_tasks). ``n_more`` is room for further rows and columns: they are 0.
    """
    p, K = X.shape[1], h.shape[1]
    with_more = np.zeros((len(rows.tasks), K, p + n_more, p + n_more))
    grams = with_more[:, :, :p, :p]
    for tasks, starts, some in rows.pieces(p):
        if len(tasks) == 1:
            grams[tasks[0]] += weighted_grams(X[some], h[some], offset[:, tasks[0]])
            continue
        product = _of_few_rows if starts[-1] - starts[-2] <= FEW_ROWS else _task_by_task
        grams[tasks] = symmetric(product(_centred(X[some], offset, tasks, starts), h[some], starts))
    return with_more


def weighted_squares_of_tasks(X: Any, h: Array, offset: Array, rows: TaskRows) -> Array:
    """Diagonals (n_tasks, K, p) of `weighted_grams_of_tasks`."""
    p, K = X.shape[1], h.shape[1]
    squares = np.zeros((len(rows.tasks), K, p))
    for tasks, starts, some in rows.pieces(p):
        if len(tasks) == 1:
            squares[tasks[0]] += weighted_squares(X[some], h[some], offset[:, tasks[0]]).T
            continue
        x = np.square(_centred(X[some], offset, tasks, starts))
        for k, column in enumerate(h[some].T):
            squares[tasks, k] = np.add.reduceat(x * column[:, None], starts[:-1], axis=0)
    return squares


def _centred(rows: Any, offset: Array, tasks: Array, starts: Array) -> Array:
    return dense(rows) - np.repeat(offset.T[tasks], np.diff(starts), axis=0)


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
