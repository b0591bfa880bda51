"""Features of one spread, so that none decides alone how far apart rows are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils.sparsefuncs import mean_variance_axis

from skmtl._rounding import varies
from skmtl.linear.objective._centring import large_means, shifted

Array = NDArray[Any]

LARGEST = 1e100
"""Magnitude beyond which new features count as this: their squares are numbers."""


@dataclass(frozen=True, eq=False)
class FeatureScaling:
    """Takes the mean from features and divides them by their standard deviation.

    A feature without spread tells nothing and counts as 0, whatever it is in new rows. Sparse
    features keep their mean where it is not large; ``rest`` is what is left of it.
    """

    shift: Array
    factor: Array
    rest: Array

    @classmethod
    def of(cls, X: Any, share: Array, *, scale: bool) -> Self:
        """Of rows with weights ``share`` of sum 1; without ``scale`` the mean is taken off only."""
        if sparse.issparse(X):
            mean, _ = mean_variance_axis(X, axis=0, weights=share)
            shift = large_means(X, mean, share)
            X, rest = shifted(X, shift), mean - shift
            size = abs(X).max(axis=0).toarray().ravel() + np.abs(shift)
            variance = np.maximum(X.multiply(X).T @ share - rest**2, 0.0)
        else:
            shift = share @ X
            size, rest = np.abs(X).max(axis=0), np.zeros_like(shift)
            variance = share @ np.square(X - shift)
        spread = np.sqrt(variance)
        has_spread = varies(spread, size)
        factor = np.where(has_spread, 1.0, 0.0)
        if scale:
            factor = np.divide(1.0, spread, out=factor, where=has_spread)
        return cls(shift, factor, rest * factor)

    def __call__(self, X: Any) -> Any:
        """Scaled features, float64."""
        X = X.astype(np.float64, copy=False)
        if sparse.issparse(X):
            scaled = shifted(X, self.shift)
            scaled = type(scaled)(scaled.multiply(self.factor))
            np.clip(scaled.data, -LARGEST, LARGEST, out=scaled.data)
            return scaled
        return np.clip((X - self.shift) * self.factor, -LARGEST, LARGEST)
