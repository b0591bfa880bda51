"""Row by row: what the row-wise penalties have in common."""

from __future__ import annotations

from typing import Any

import numpy as np

from skmtl.linear.penalties._base import Array, NormAtom


class RowNorm(NormAtom):
    """A norm that is a sum over the rows of W, each with a weight of its own.

    Parameters
    ----------
    weight : float, default=1.0
        Factor on the penalty.
    feature_weight : array-like of shape (n_features,), default=None
        Factor on each row; 1 by default.
    """

    allows_positive = True
    feature_weight: Any

    def check(self, n_features: int | None = None) -> None:
        super().check(n_features)
        if self.feature_weight is None:
            return
        name, factors = type(self).__name__, np.asarray(self.feature_weight)
        if factors.dtype.kind not in "biuf" or factors.ndim != 1:
            raise ValueError(
                f"{name}(feature_weight={self.feature_weight!r}); expected one number a feature."
            )
        if n_features is not None and len(factors) != n_features:
            raise ValueError(
                f"{name}: feature_weight has shape {factors.shape}; X has {n_features} features."
            )
        bad = np.flatnonzero(~(np.isfinite(factors) & (factors > 0)))
        if len(bad):
            raise ValueError(
                f"{name}: feature_weight is {factors[bad[0]]} for feature {bad[0]}; expected "
                "finite numbers > 0."
            )

    def _row_weight(self, W: Array) -> Array:
        """Weight of each row, (n_features, 1)."""
        if self.feature_weight is None:
            return np.full((len(W), 1), self.weight)
        return self.weight * np.asarray(self.feature_weight, dtype=np.float64)[:, None]

    def _largest_ratio(self, sizes: Array, W: Array) -> float:
        """Largest dual norm of a row over its weight, times the penalty's weight."""
        ratios = sizes * self.weight / self._row_weight(W)[:, 0] if self.weight else sizes
        return float(ratios.max(initial=0.0))
