"""Rows of a large X, taken as they are needed.

A copy of all of them is new memory, that the system hands out page by page: this takes longer than
their products do.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from skmtl._indexing import batches

Array = NDArray[Any]

LARGE = 2**22
"""Numbers, 32 MB, that are not copied all at once."""

AT_ONCE = 2**16
"""Numbers that are: they stay in the cache."""


@dataclass(frozen=True, eq=False)
class SomeRows:
    """Rows of X, of which slices are copies.

    Attributes
    ----------
    X : ndarray of shape (n_samples, n_features)
        All rows.
    rows : ndarray of shape (n_rows,)
        Which of them.
    """

    X: Array
    rows: Array

    @property
    def shape(self) -> tuple[int, int]:
        """Of the rows that were taken."""
        return len(self.rows), self.X.shape[1]

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.rows)

    def __getitem__(self, some: slice) -> Array:
        return self.X[self.rows[some]]

    def parts(self) -> Iterator[slice]:
        """Slices that stay in the cache."""
        return batches(len(self), max(AT_ONCE // self.X.shape[1], 1))


def rows_of(X: Any, rows: Array) -> Any:
    """Rows of X: a copy, unless they are many."""
    is_large = len(rows) * X.shape[1] > LARGE and not sparse.issparse(X)
    return SomeRows(X, rows) if is_large else X[rows]


def as_floats(X: Any) -> Any:
    """X, or some of its rows, in float64."""
    if not isinstance(X, SomeRows):
        return X.astype(np.float64, copy=False)
    floats = np.empty(X.shape)
    for some in X.parts():
        floats[some] = X[some]
    return floats


def weighted_sum(X: Any, weights: Array) -> Array:
    """Weighted sum of rows, (n_features,)."""
    if not isinstance(X, SomeRows):
        return np.asarray(X.T @ weights)
    total = np.zeros(X.shape[1])
    for some in X.parts():
        total += weights[some] @ X[some]
    return total
