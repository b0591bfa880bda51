r"""Weighted Gram matrices :math:`\sum_i h_{ik} (x_i - o)(x_i - o)'`, one for each column of h.

Blocks of rows are centred and multiplied while they are in the cache, so that memory beside the
result is small. Weights may be 0 or negative. The matrices are exactly symmetric.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Array = NDArray[Any]

BLOCK_NUMBERS = 8192
"""Numbers of X in a block of rows, 64 KB: from there on numpy's temporary arrays cost more."""

MANY_FEATURES = 100
"""Features from which on half a symmetric product pays, and larger blocks."""

MANY_ROWS = 192
"""Rows of a block where features are many: multiples of 128 are slower (OpenBLAS)."""

MANY_COLUMNS = 12
"""Columns of weights from which on products of features are formed once for all of them."""

PAIR_ROWS, PAIR_NUMBERS = 512, 2**16
"""Rows, and numbers, of a block of products of features."""

CHUNK_NUMBERS = 2**15
"""Numbers of the rows of a chunk of tasks."""

FEW_ROWS = 32
"""Rows of a task up to which one call for many tasks pays."""

COPY_NUMBERS = 2**20
"""Numbers of the rows of one task that are copied at a time where they are scattered."""

SPARSE = 0.1
"""Share of entries of sparse X below which it is multiplied as it is."""


def weighted_grams(X: Any, h: Array, offset: Array) -> Array:
    """Gram matrices (m, p, p) of the rows of X (n, p), of weights h (n, m)."""
    if sparse.issparse(X) and X.nnz < SPARSE * X.shape[0] * X.shape[1]:
        return _of_sparse(X, h, offset)
    return (_by_pairs if h.shape[1] >= MANY_COLUMNS else _by_columns)(X, h, offset)


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


def weighted_grams_of_tasks(X: Any, h: Array, offset: Array, rows: TaskRows) -> Array:
    """Gram matrices (n_tasks, K, p, p) of the rows of each task, of weights h (n, K)."""
    p, K = X.shape[1], h.shape[1]
    grams = np.zeros((len(rows.tasks), K, p, p))
    for first, end in rows.chunks(max(CHUNK_NUMBERS // p, 1)):
        tasks, starts = rows.tasks[first:end], rows.starts[first : end + 1]
        if len(tasks) == 1:
            for start, stop in _ranges(starts[0], starts[1], max(COPY_NUMBERS // p, 1)):
                some = rows.take(start, stop)
                grams[tasks[0]] += weighted_grams(X[some], h[some], offset)
            continue
        some = rows.take(starts[0], starts[-1])
        few = _of_few_rows if starts[-1] - starts[-2] <= FEW_ROWS else _task_by_task
        grams[tasks] = _symmetric(few(_dense(X[some]) - offset, h[some], starts - starts[0]))
    return grams


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


def _by_columns(X: Any, h: Array, offset: Array) -> Array:
    """A product for each column of weights."""
    p, m = X.shape[1], h.shape[1]
    grams = np.zeros((m, p, p))
    is_large = p >= MANY_FEATURES
    has_roots = is_large and bool((h >= 0).all())
    weights = np.sqrt(h) if has_roots else h
    # New large arrays are pages to fill: these are used again.
    buffers = np.empty((2, MANY_ROWS if is_large else max(BLOCK_NUMBERS // p, 1), p))
    for rows in _blocks(len(h), buffers.shape[1]):
        x, weighted = buffers[:, : len(h[rows])]
        np.subtract(_dense(X[rows]), offset, out=x)
        for gram, column in zip(grams, weights[rows].T, strict=True):
            np.multiply(x, column[:, None], out=weighted)
            gram += weighted.T @ (weighted if has_roots else x)
    return grams if has_roots else _symmetric(grams)


def _by_pairs(X: Any, h: Array, offset: Array) -> Array:
    """Products of each two features, times the weights: half the operations."""
    p, m = X.shape[1], h.shape[1]
    ends = np.cumsum(np.arange(p, 0, -1))
    grams = np.zeros((m, p, p))
    totals = np.zeros((ends[-1], m))
    groups = list(_groups(p, max(PAIR_NUMBERS // PAIR_ROWS, p)))
    pairs = np.empty((max(PAIR_NUMBERS // PAIR_ROWS, p), min(PAIR_ROWS, len(h))))
    for rows in _blocks(len(h), PAIR_ROWS):
        x = np.ascontiguousarray((_dense(X[rows]) - offset).T)
        some = pairs[:, : x.shape[1]]
        for first, last in groups:
            start, end = ends[first] - (p - first), ends[last - 1]
            at = 0
            for j in range(first, last):
                np.multiply(x[j:], x[j], out=some[at : at + p - j])
                at += p - j
            totals[start:end] += some[:at] @ h[rows]
    upper = np.triu_indices(p)
    grams[:, upper[0], upper[1]] = totals.T
    grams[:, upper[1], upper[0]] = totals.T
    return grams


def _groups(p: int, n_pairs: int) -> Iterator[tuple[int, int]]:
    """Ranges of features j with at most ``n_pairs`` features behind them in all."""
    first, n = 0, 0
    for j in range(p):
        if n + p - j > n_pairs:
            yield first, j
            first, n = j, 0
        n += p - j
    yield first, p


def _of_sparse(X: Any, h: Array, offset: Array) -> Array:
    """Sparse products; the offset is taken from them afterwards."""
    X, X_T = X.tocsr(), X.T.tocsr()
    counts = np.diff(X.indptr)
    grams = []
    for column in h.T:
        weighted = X.copy()
        weighted.data = X.data * np.repeat(column, counts)
        moved = np.outer(offset, X_T @ column - 0.5 * column.sum() * offset)
        grams.append((X_T @ weighted).toarray() - (moved + moved.T))
    return _symmetric(np.array(grams))


def _dense(rows: Any) -> Array:
    return np.asarray(rows.toarray() if sparse.issparse(rows) else rows)


def _blocks(n: int, size: int) -> Iterator[slice]:
    return (slice(start, start + size) for start in range(0, n, size))


def _ranges(start: int, end: int, size: int) -> Iterator[tuple[int, int]]:
    return ((at, min(at + size, end)) for at in range(start, end, size))


def _symmetric(grams: Array) -> Array:
    """Rounding apart, they are so already."""
    return np.asarray(0.5 * (grams + grams.swapaxes(-1, -2)))
