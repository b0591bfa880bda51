"""Features of one kind, in units of their own."""

from __future__ import annotations

from copy import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Array = NDArray[Any]


class Group:
    """Features (n, d) less their mean, whose rows have squares of mean 1."""

    def __init__(self, A: Any, share: Array, *, centred: bool) -> None:
        self.A = A
        self.mean = np.asarray(A.T @ share) * centred
        squares = A.multiply(A).sum(axis=1) if sparse.issparse(A) else np.square(A).sum(axis=1)
        spread = float(share @ np.asarray(squares).ravel() - self.mean @ self.mean)
        size = float(share @ np.asarray(squares).ravel())
        self.size = np.sqrt(spread) if spread > 1e-12 * size else np.inf

    def take(self, rows: Array) -> Group:
        """Some of the rows, in the same units."""
        some = copy(self)
        some.A = self.A[rows]
        return some

    def times(self, V: Array) -> Array:
        """(n, C) of coefficients (d, C)."""
        return np.asarray((self.A @ V - self.mean @ V) / self.size)

    def transposed_times(self, D: Array) -> Array:
        """(d, C) of duals (n, C)."""
        return np.asarray((self.A.T @ D - np.outer(self.mean, D.sum(axis=0))) / self.size)

    def gram(self) -> Array:
        """Products of the rows (n, n)."""
        K = self.times(self.transposed_times(np.eye(self.A.shape[0])))
        return 0.5 * (K + K.T)
