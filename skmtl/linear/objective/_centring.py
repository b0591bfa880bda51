"""Features whose mean is large against their spread: shifted before anything is squared.

A sum of squares loses as many digits as the squared mean is larger than the variance, where the
mean is subtracted from it afterwards. A column of sparse X in which this ratio is r has a share
of zeros of at most 1 / (1 + r): written out without its mean it takes no more memory.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from skmtl.sources._stored_rows import StoredRows

Array = NDArray[Any]

LARGE = 1e4
"""Squared mean over mean square of the deviations above which a column is shifted."""

FIRST_NUMBERS, CHUNK_NUMBERS = 2**12, 2**16
"""Numbers of the first rows looked at, and of those looked at together later."""

ROUNDING = 8 * np.finfo(np.float64).eps
"""Spread of a column, relative to its mean, that is rounding: it is constant."""


def large_means(X: Any, mean: Array, weights: Array) -> Array:
    """``mean`` (n_features,) where it is large against the spread of a column, else 0."""
    sizes = weights.sum() * mean**2
    # Some rows show that most columns spread: there is no need to look at the others.
    n_features = len(mean)
    per_row = max(X.nnz // max(X.shape[0], 1), 1) / n_features if sparse.issparse(X) else 1.0
    start, end = 0, max(int(FIRST_NUMBERS / max(per_row * n_features, 1)), 1)
    deviations = _squared_deviations(X[:end], mean, weights[:end])
    if (deviations * (LARGE - 1.0) >= sizes).all():
        return np.zeros_like(mean)
    columns, deviations = np.arange(n_features), np.zeros(n_features)
    while start < X.shape[0] and len(columns):
        rows = X[start:end] if len(columns) == n_features else X[start:end][:, columns]
        deviations += _squared_deviations(rows, mean[columns], weights[start:end])
        is_large = deviations * (LARGE - 1.0) < sizes[columns]
        columns, deviations = columns[is_large], deviations[is_large]
        n_next = max(int(CHUNK_NUMBERS / max(per_row * len(columns), 1)), 1)
        start, end = end, end + min(2 * (end - start), n_next)
    large = np.zeros_like(mean)
    large[columns] = mean[columns]
    return large


def _squared_deviations(X: Any, mean: Array, weights: Array) -> Array:
    """Weighted sums (n_features,) of the squares of X less ``mean``."""
    if not sparse.issparse(X):
        deviations: Array = weights @ np.square(X - mean)
        return deviations
    squares = X.multiply(X).T @ weights
    return np.asarray(squares - mean * (2.0 * (X.T @ weights) - mean * weights.sum()))


def without_large_means(X: Any, mean: Array, weights: Array) -> tuple[Any, Array]:
    """X without the large means of its columns, and what is left of ``mean``."""
    shift = large_means(X, mean, weights)
    if not shift.any():
        return X, mean
    return shifted(X, shift), mean - shift


def shifted_by_task(X: Any, shift: Array, task_index: Array) -> Any:
    """X less ``shift`` (n_features, n_tasks); sparse X stays so where that is 0."""
    if isinstance(X, StoredRows):
        return X.less(shift, task_index)
    rounding = np.sqrt(X.shape[0]) * ROUNDING
    if not sparse.issparse(X):
        moved, of_tasks = np.array(X, order="C"), np.ascontiguousarray(shift.T)
        n_at_once = max(CHUNK_NUMBERS // X.shape[1], 1)
        for start in range(0, len(X), n_at_once):
            rows = slice(start, start + n_at_once)
            less = of_tasks[task_index[rows]]
            moved[rows] -= less
            moved[rows][np.abs(moved[rows]) <= rounding * np.abs(less)] = 0.0
        return moved
    moved = (sparse.csr_array(X) - sparse.csr_array(shift.T)[task_index]).tocsr()
    tasks = np.repeat(task_index, np.diff(moved.indptr))
    moved.data[np.abs(moved.data) <= rounding * np.abs(shift[moved.indices, tasks])] = 0.0
    return type(X)(moved)


def shifted(X: Any, shift: Array) -> Any:
    """X less ``shift`` (n_features,); sparse X stays so in the columns where it is 0."""
    if isinstance(X, StoredRows):
        return X.less(shift[:, None], np.zeros(X.shape[0], dtype=np.intp))
    if not sparse.issparse(X):
        return _less(X, shift)
    X, columns = X.tocsr(), np.flatnonzero(shift)
    dense = _less(X[:, columns].toarray(), shift[columns])
    shape = len(dense), len(columns)
    indptr = np.arange(shape[0] + 1, dtype=X.indptr.dtype) * shape[1]
    indices = np.tile(columns.astype(X.indices.dtype), shape[0])
    written = type(X)((dense.ravel(), indices, indptr), shape=X.shape)
    return type(X)(X.multiply(shift == 0.0) + written)


def _less(X: Array, shift: Array) -> Array:
    moved = X.astype(np.result_type(X, shift))
    columns = np.flatnonzero(shift)
    some, rounding = moved[:, columns] - shift[columns], ROUNDING * np.abs(shift[columns])
    low, high = some.min(axis=0, initial=np.inf), some.max(axis=0, initial=-np.inf)
    # A mean of n numbers is off by more than one of them is, about the root of n times.
    is_near = np.maximum(high, -low) <= np.sqrt(len(X)) * rounding
    some[:, is_near & (high - low <= rounding)] = 0.0
    moved[:, columns] = some
    return moved
