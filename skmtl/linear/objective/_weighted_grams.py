r"""Weighted Gram matrices :math:`\sum_i h_{ik} (x_i - o)(x_i - o)'`, one for each column of h.

Blocks of rows are multiplied while they are in the cache, so that memory beside the result is
small. Weights may be 0 or negative. The matrices are exactly symmetric.

The offset is taken from products of X as it is, where that loses few digits: with
:math:`s = \sum_i h_i (x_i - o)` and :math:`m = \sum_i h_i` the matrix is
:math:`\sum_i h_i x_i x_i' - o s' - s o' - m o o'`.
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
"""Squared offset over variance of a feature from which X less the offset is multiplied."""

SPARSE = 0.1
"""Share of entries of sparse X below which it is multiplied as it is."""


def weighted_grams(X: Any, h: Array, offset: Array, products: Array | None = None) -> Array:
    """Gram matrices (m, p, p) of the rows of X (n, p) less an offset, of weights h (n, m).

    ``products`` (p, m) are those of such rows with h, where they are known.
    """
    if sparse.issparse(X) and X.nnz < SPARSE * X.shape[0] * X.shape[1]:
        return _of_sparse(X, h, offset)
    low, high = h.min(axis=0), h.max(axis=0)
    signs = np.where(low >= 0.0, 1.0, np.where(high <= 0.0, -1.0, 0.0))
    is_level = bool((low == high).all()) and not sparse.issparse(X)
    if not offset.any():
        return _of_dense(X, h, signs, None, is_level=is_level)
    if signs.all():
        grams = _of_dense(X, h, signs, None, is_level=is_level)
        sums = h.sum(axis=0)
        products = X.T @ h - offset[:, None] * sums if products is None else products
        for gram, along, total in zip(grams, products.T, sums, strict=True):
            moved = np.multiply.outer(along + 0.5 * total * offset, offset)
            gram -= moved + moved.T
        left, lost = np.einsum("mjj->mj", grams), np.multiply.outer(sums, offset**2)
        if (np.abs(left) * DIGITS_LOST >= np.abs(lost)).all():
            return grams
    return _of_dense(X, h, signs, offset)


def _of_dense(
    X: Any, h: Array, signs: Array, offset: Array | None, *, is_level: bool = False
) -> Array:
    """`weighted_grams` of rows written out; ``is_level``: the weights of a column are one."""
    if is_level:
        return h[0][:, None, None] * symmetric(X.T @ X)
    if h.shape[1] >= MANY_COLUMNS:
        return _by_pairs(X, h, offset)
    return _by_columns(X, h, signs, offset)


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


def _less(rows: Any, offset: Array | None) -> Array:
    return dense(rows) if offset is None else dense(rows) - offset


def _by_columns(X: Any, h: Array, signs: Array, offset: Array | None) -> Array:
    """A product for each column of weights."""
    p, m = X.shape[1], h.shape[1]
    grams = np.zeros((m, p, p))
    # A matrix times itself takes half the operations, where weights have roots.
    has_roots = bool(signs.all())
    weights = np.sqrt(signs * h) if has_roots else h
    n_rows = MANY_ROWS if p >= MANY_FEATURES else max(BLOCK_NUMBERS // p, 1)
    # A new large array is pages to fill: this one is used again.
    buffer = np.empty((min(n_rows, len(h)), p))
    for rows in _blocks(len(h), len(buffer)):
        x, weighted = _less(X[rows], offset), buffer[: len(h[rows])]
        for gram, column in zip(grams, weights[rows].T, strict=True):
            np.multiply(x, column[:, None], out=weighted)
            gram += weighted.T @ (weighted if has_roots else x)
    return grams * signs[:, None, None] if has_roots else symmetric(grams)


def _by_pairs(X: Any, h: Array, offset: Array | None) -> Array:
    """Products of each two features, times the weights: half the operations."""
    p, m = X.shape[1], h.shape[1]
    ends = np.cumsum(np.arange(p, 0, -1))
    grams = np.zeros((m, p, p))
    totals = np.zeros((ends[-1], m))
    n_pairs = max(PAIR_NUMBERS // PAIR_ROWS, p)
    groups = list(_groups(p, n_pairs))
    pairs = np.empty((n_pairs, min(PAIR_ROWS, len(h))))
    for rows in _blocks(len(h), PAIR_ROWS):
        x = np.ascontiguousarray(_less(X[rows], offset).T)
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
