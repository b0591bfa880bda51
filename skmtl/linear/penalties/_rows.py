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

    def _row_weight(self, W: Array) -> Array:
        """Weight of each row, (n_features, 1)."""
        if self.feature_weight is None:
            return np.full((len(W), 1), self.weight)
        factors = np.asarray(self.feature_weight, dtype=np.float64)
        # With several classes a task the rows are features times classes.
        n_classes, rest = divmod(len(W), max(len(factors), 1))
        if factors.ndim != 1 or rest or not len(factors):
            raise ValueError(
                f"{type(self).__name__}: feature_weight has shape {factors.shape}; "
                f"X has {len(W)} features."
            )
        if not (np.isfinite(factors) & (factors > 0)).all():
            raise ValueError(f"{type(self).__name__}: feature_weight must be > 0 and finite.")
        return self.weight * np.repeat(factors, n_classes)[:, None]

    def _largest_ratio(self, sizes: Array, W: Array) -> float:
        """Largest dual norm of a row over its weight, times the penalty's weight."""
        ratios = sizes * self.weight / self._row_weight(W)[:, 0] if self.weight else sizes
        return float(ratios.max(initial=0.0))
