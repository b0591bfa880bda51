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

Array = NDArray[Any]

LARGE = 1e4
"""Squared mean over mean square of the deviations above which a column is shifted."""

ROUNDING = 8 * np.finfo(np.float64).eps
"""Deviations from the mean, relative to it, that are rounding: the column is constant."""


def large_means(X: Any, mean: Array, weights: Array) -> Array:
    """``mean`` (n_features,) where it is large against the spread of a column, else 0."""
    if sparse.issparse(X):
        squares = X.multiply(X).T @ weights
    else:
        squares = weights @ np.square(X)
    deviations = squares - weights.sum() * mean**2
    return np.where(deviations * LARGE < squares, mean, 0.0)


def without_large_means(X: Any, mean: Array, weights: Array) -> tuple[Any, Array]:
    """X without the large means of its columns, and what is left of ``mean``."""
    shift = large_means(X, mean, weights)
    if not shift.any():
        return X, mean
    return shifted(X, shift), mean - shift


def shifted(X: Any, shift: Array) -> Any:
    """X less ``shift`` (n_features,); sparse X stays so in the columns where it is 0."""
    if not sparse.issparse(X):
        return _less(X, shift)
    columns = np.flatnonzero(shift)
    dense = _less(X[:, columns].toarray(), shift[columns])
    shape = len(dense), len(columns)
    indptr = np.arange(shape[0] + 1, dtype=X.indptr.dtype) * shape[1]
    indices = np.tile(columns.astype(X.indices.dtype), shape[0])
    written = type(X)((dense.ravel(), indices, indptr), shape=X.shape)
    return type(X)(X.multiply(shift == 0.0) + written)


def _less(X: Array, shift: Array) -> Array:
    moved = X - shift
    moved[:, np.abs(moved).max(axis=0, initial=0.0) <= ROUNDING * np.abs(shift)] = 0.0
    return moved
