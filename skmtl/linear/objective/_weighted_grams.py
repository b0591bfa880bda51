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

BLOCK_NUMBERS = 2**15
"""Numbers of X in a block of rows, 256 KB."""

MANY_FEATURES = 64
"""Features from which on half a symmetric product pays, and larger blocks."""

MANY_ROWS = 320
"""Rows of a block where features are many: multiples of 128 are slower (OpenBLAS)."""

MANY_COLUMNS = 12
"""Columns of weights from which on products of features are formed once for all of them."""

PAIR_ROWS, PAIR_NUMBERS = 512, 2**16
"""Rows, and numbers, of a block of products of features."""

SPARSE = 0.1
"""Share of entries of sparse X below which it is multiplied as it is."""


def weighted_grams(X: Any, h: Array, offset: Array, n_ones: int = 0) -> Array:
    """Gram matrices (m, p, p) of the rows of X (n, p), of weights h (n, m).

    ``n_ones`` is 1 for a column of ones beside X.
    """
    if sparse.issparse(X) and X.nnz < SPARSE * X.shape[0] * X.shape[1]:
        return _of_sparse(X, h, offset, n_ones)
    return (_by_pairs if h.shape[1] >= MANY_COLUMNS else _by_columns)(X, h, offset, n_ones)


def centred(rows: Any, offset: Array, n_ones: int, out: Array | None = None) -> Array:
    """Dense rows (n, p) less the offset, and ones beside them."""
    p = rows.shape[1]
    out = np.empty((rows.shape[0], p + n_ones)) if out is None else out
    np.subtract(rows.toarray() if sparse.issparse(rows) else rows, offset, out=out[:, :p])
    out[:, p:] = 1.0
    return out


def _by_columns(X: Any, h: Array, offset: Array, n_ones: int) -> Array:
    """A product for each column of weights."""
    q, m = X.shape[1] + n_ones, h.shape[1]
    grams = np.zeros((m, q, q))
    # A matrix times itself takes half the operations, where weights have roots.
    signs = np.where((h >= 0).all(axis=0), 1.0, np.where((h <= 0).all(axis=0), -1.0, 0.0))
    has_roots = q >= MANY_FEATURES and bool(signs.all())
    weights = np.sqrt(signs * h) if has_roots else h
    n_rows = MANY_ROWS if q >= MANY_FEATURES else max(BLOCK_NUMBERS // q, 1)
    # New large arrays are pages to fill: these are used again.
    buffers = np.empty((2, min(n_rows, len(h)), q))
    for rows in _blocks(len(h), buffers.shape[1]):
        x, weighted = buffers[:, : len(h[rows])]
        centred(X[rows], offset, n_ones, out=x)
        for gram, column in zip(grams, weights[rows].T, strict=True):
            np.multiply(x, column[:, None], out=weighted)
            gram += weighted.T @ (weighted if has_roots else x)
    return grams * signs[:, None, None] if has_roots else symmetric(grams)


def _by_pairs(X: Any, h: Array, offset: Array, n_ones: int) -> Array:
    """Products of each two features, times the weights: half the operations."""
    q, m = X.shape[1] + n_ones, h.shape[1]
    ends = np.cumsum(np.arange(q, 0, -1))
    grams = np.zeros((m, q, q))
    totals = np.zeros((ends[-1], m))
    n_pairs = max(PAIR_NUMBERS // PAIR_ROWS, q)
    groups = list(_groups(q, n_pairs))
    pairs = np.empty((n_pairs, min(PAIR_ROWS, len(h))))
    for rows in _blocks(len(h), PAIR_ROWS):
        x = np.ascontiguousarray(centred(X[rows], offset, n_ones).T)
        some = pairs[:, : x.shape[1]]
        for first, last in groups:
            start, end = ends[first] - (q - first), ends[last - 1]
            at = 0
            for j in range(first, last):
                np.multiply(x[j:], x[j], out=some[at : at + q - j])
                at += q - j
            totals[start:end] += some[:at] @ h[rows]
    upper = np.triu_indices(q)
    grams[:, upper[0], upper[1]] = totals.T
    grams[:, upper[1], upper[0]] = totals.T
    return grams


def _groups(q: int, n_pairs: int) -> Iterator[tuple[int, int]]:
    """Ranges of features j with at most ``n_pairs`` features behind them in all."""
    first, n = 0, 0
    for j in range(q):
        if n + q - j > n_pairs:
            yield first, j
            first, n = j, 0
        n += q - j
    yield first, q


def _of_sparse(X: Any, h: Array, offset: Array, n_ones: int) -> Array:
    """Sparse products; the offset is taken from them afterwards."""
    p = X.shape[1]
    X, X_T = X.tocsr(), X.T.tocsr()
    counts = np.diff(X.indptr)
    grams = np.empty((h.shape[1], p + n_ones, p + n_ones))
    for gram, column in zip(grams, h.T, strict=True):
        weighted = X.copy()
        weighted.data = X.data * np.repeat(column, counts)
        products, total = X_T @ column, column.sum()
        moved = np.outer(offset, products - 0.5 * total * offset)
        gram[:p, :p] = (X_T @ weighted).toarray() - (moved + moved.T)
        if n_ones:
            gram[p, :p] = gram[:p, p] = products - total * offset
            gram[p, p] = total
    return symmetric(grams)


def _blocks(n: int, size: int) -> Iterator[slice]:
    return (slice(start, start + size) for start in range(0, n, size))


def symmetric(grams: Array) -> Array:
    """Rounding apart, they are so already."""
    return np.asarray(0.5 * (grams + grams.swapaxes(-1, -2)))
