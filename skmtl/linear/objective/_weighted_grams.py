r"""Weighted Gram matrices :math:`\sum_i h_{ik} (x_i - o)(x_i - o)'`, one for each column of h.

Blocks of rows are centred and multiplied while they are in the cache, so that memory beside the
result is small. Weights may be 0 or negative. The matrices are exactly symmetric.
"""

from __future__ import annotations

from collections.abc import Iterator
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

SPARSE = 0.1
"""Share of entries of sparse X below which it is multiplied as it is."""


def weighted_grams(X: Any, h: Array, offset: Array) -> Array:
    """Gram matrices (m, p, p) of the rows of X (n, p), of weights h (n, m)."""
    if sparse.issparse(X) and X.nnz < SPARSE * X.shape[0] * X.shape[1]:
        return _of_sparse(X, h, offset)
    return (_by_pairs if h.shape[1] >= MANY_COLUMNS else _by_columns)(X, h, offset)


def weighted_grams_of_tasks(X: Any, h: Array, offset: Array, starts: Array) -> Array:
    """Gram matrices (n_tasks, K, p, p) of the rows ``starts[t] : starts[t + 1]`` of each task.

    Tasks with as many rows are multiplied together.
    """
    p, K = X.shape[1], h.shape[1]
    counts = np.diff(starts)
    grams = np.zeros((len(counts), K, p, p))
    order = np.argsort(counts, kind="stable")
    n_rows = max(BLOCK_NUMBERS // p, 1)
    at = int(np.searchsorted(counts[order], 1))
    while at < len(order) and counts[order[at]] <= n_rows:
        # No task of the chunk has twice the rows of its first.
        end = min(at + max(n_rows // int(counts[order[at]]), 1), len(order))
        largest = min(2 * counts[order[at]], n_rows)
        end = at + int(np.searchsorted(counts[order[at:end]], largest, side="right"))
        tasks = order[at:end]
        grams[tasks] = _of_some_tasks(X, h, offset, starts[tasks], counts[tasks])
        at = end
    for t in order[at:]:
        rows = slice(starts[t], starts[t + 1])
        grams[t] = weighted_grams(X[rows], h[rows], offset)
    return grams


def _of_some_tasks(X: Any, h: Array, offset: Array, starts: Array, counts: Array) -> Array:
    """Gram matrices (some tasks, K, p, p); ``counts`` ascend."""
    steps = np.arange(counts[-1])
    rows = np.minimum(starts[:, None] + steps, len(h) - 1)
    x = (_dense(X[rows.ravel()]) - offset).reshape(*rows.shape, -1)
    weights = h[rows] * (steps < counts[:, None])[:, :, None]
    transposed = x.swapaxes(1, 2)
    grams = [transposed @ (x * weights[:, :, k, None]) for k in range(h.shape[1])]
    return _symmetric(np.stack(grams, axis=1))


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


def _symmetric(grams: Array) -> Array:
    """Rounding apart, they are so already."""
    return np.asarray(0.5 * (grams + grams.swapaxes(-1, -2)))
