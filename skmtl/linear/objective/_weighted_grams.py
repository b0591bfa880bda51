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
"""Features from which on fewer rows than fit into a block are faster."""

MANY_ROWS = 320
"""Rows of a block where features are many: multiples of 128 are slower (OpenBLAS)."""

MANY_COLUMNS = 12
"""Columns of weights from which on products of features are formed once for all of them."""

PAIR_ROWS, PAIR_NUMBERS = 512, 2**16
"""Rows, and numbers, of a block of products of features."""

DIGITS_LOST = 100.0
"""Squared offset over variance of a feature from which the offset is taken from X first."""

SPARSE = 0.1
"""Share of entries of sparse X below which it is multiplied as it is."""


def weighted_grams(X: Any, h: Array, offset: Array) -> Array:
    """Gram matrices (m, p, p) of the rows of X (n, p), of weights h (n, m)."""
    if sparse.issparse(X) and X.nnz < SPARSE * X.shape[0] * X.shape[1]:
        return _of_sparse(X, h, offset)
    if not sparse.issparse(X) and (h == h[:1]).all():
        gram = of_equal_rows(X, offset)
        if gram is not None:
            return h[0][:, None, None] * gram
    return (_by_pairs if h.shape[1] >= MANY_COLUMNS else _by_columns)(X, h, offset)


def weighted_squares(X: Any, h: Array, offset: Array) -> Array:
    """Diagonals (p, m) of `weighted_grams`."""
    if sparse.issparse(X):
        products, sums = X.T @ h, h.sum(axis=0)
        moved = offset[:, None] * (2.0 * products - offset[:, None] * sums)
        return np.asarray(X.multiply(X).T @ h - moved)
    squares = np.zeros((X.shape[1], h.shape[1]))
    x = np.empty((min(max(BLOCK_NUMBERS // X.shape[1], 1), len(h)), X.shape[1]))
    for rows in _blocks(len(h), len(x)):
        some = np.subtract(X[rows], offset, out=x[: len(h[rows])])
        squares += np.square(some, out=some).T @ h[rows]
    return squares


def dense(rows: Any) -> Array:
    """Rows of X as an array."""
    return np.asarray(rows.toarray() if sparse.issparse(rows) else rows)


def of_equal_rows(X: Array, offset: Array) -> Array | None:
    r"""The Gram matrix of weights of 1 from that of X itself; None where it would lose digits.

    With the mean m it is :math:`\sum_i x_i x_i' - n (m o' + o m' - o o')`.
    """
    # A matrix times itself is exactly symmetric.
    gram = X.T @ X
    # A product, as sums along rows that are short take longer.
    sums = np.ones(len(X)) @ X
    moved = np.multiply.outer(sums - 0.5 * len(X) * offset, offset)
    gram -= moved + moved.T
    lost = DIGITS_LOST * gram.diagonal() < len(X) * offset**2
    return None if lost.any() else gram


def _by_columns(X: Any, h: Array, offset: Array) -> Array:
    """A product for each column of weights."""
    p, m = X.shape[1], h.shape[1]
    grams = np.zeros((m, p, p))
    # A matrix times itself takes half the operations, where weights have roots.
    signs = np.where(h.min(axis=0) >= 0, 1.0, np.where(h.max(axis=0) <= 0, -1.0, 0.0))
    has_roots = bool(signs.all())
    weights = np.sqrt(np.abs(h)) if has_roots else h
    n_rows = MANY_ROWS if p >= MANY_FEATURES else max(BLOCK_NUMBERS // p, 1)
    # New large arrays are pages to fill: these are used again.
    buffers = np.empty((2, min(n_rows, len(h)), p))
    for rows in _blocks(len(h), buffers.shape[1]):
        x, weighted = buffers[:, : len(h[rows])]
        np.subtract(dense(X[rows]), offset, out=x)
        for gram, column in zip(grams, weights[rows].T, strict=True):
            np.multiply(x, column[:, None], out=weighted)
            gram += weighted.T @ (weighted if has_roots else x)
    return grams * signs[:, None, None] if has_roots else symmetric(grams)


def _by_pairs(X: Any, h: Array, offset: Array) -> Array:
    """Products of each two features, times the weights: half the operations."""
    p, m = X.shape[1], h.shape[1]
    ends = np.cumsum(np.arange(p, 0, -1))
    grams = np.zeros((m, p, p))
    totals = np.zeros((ends[-1], m))
    n_pairs = max(PAIR_NUMBERS // PAIR_ROWS, p)
    groups = list(_groups(p, n_pairs))
    pairs = np.empty((n_pairs, min(PAIR_ROWS, len(h))))
    for rows in _blocks(len(h), PAIR_ROWS):
        x = np.ascontiguousarray((dense(X[rows]) - offset).T)
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
    return symmetric(np.array(grams))


def _blocks(n: int, size: int) -> Iterator[slice]:
    return (slice(start, start + size) for start in range(0, n, size))


def symmetric(grams: Array) -> Array:
    """Rounding apart, they are so already."""
    return np.asarray(0.5 * (grams + grams.swapaxes(-1, -2)))
