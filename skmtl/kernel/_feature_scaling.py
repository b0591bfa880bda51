"""Features of one spread, so that none decides alone how far apart rows are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils.sparsefuncs import mean_variance_axis

Array = NDArray[Any]

LARGEST = 1e100
"""Magnitude beyond which new features count as this: their squares are numbers."""


@dataclass(frozen=True, eq=False)
class FeatureScaling:
    """Takes the mean from features and divides them by their standard deviation.

    A feature without spread tells nothing and counts as 0, whatever it is in new rows. Sparse
    features are divided only; ``rest`` is the mean that is left in them.
    """

    mean: Array
    factor: Array
    rest: Array

    @classmethod
    def of(cls, X: Any, share: Array, *, scale: bool) -> Self:
        """Of rows with weights ``share`` of sum 1; without ``scale`` the mean is taken off only."""
        if sparse.issparse(X):
            mean, variance = mean_variance_axis(X, axis=0, weights=share)
            size = abs(X).max(axis=0).toarray().ravel()
        else:
            mean, size = share @ X, np.abs(X).max(axis=0)
            variance = share @ np.square(X - mean)
        spread = np.sqrt(variance)
        # What is left of a constant but for rounding.
        has_spread = spread > 10 * np.finfo(np.float64).eps * size
        factor = np.where(has_spread, 1.0, 0.0)
        if scale:
            factor = np.divide(1.0, spread, out=factor, where=has_spread)
        if sparse.issparse(X):
            return cls(np.zeros_like(mean), factor, mean * factor)
        return cls(mean, factor, np.zeros_like(mean))

    def __call__(self, X: Any) -> Any:
        """Scaled features, float64."""
        X = X.astype(np.float64, copy=False)
        if sparse.issparse(X) and self.mean.any():
            X = X.toarray()
        if sparse.issparse(X):
            scaled = type(X)(X.multiply(self.factor))
            np.clip(scaled.data, -LARGEST, LARGEST, out=scaled.data)
            return scaled
        return np.clip((X - self.mean) * self.factor, -LARGEST, LARGEST)
