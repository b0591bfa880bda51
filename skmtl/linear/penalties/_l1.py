"""Lasso."""

from __future__ import annotations

import numpy as np

from skmtl.linear.penalties._base import Array
from skmtl.linear.penalties._row_norm import RowNorm


class L1(RowNorm):
    r"""Sum of absolute values: few coefficients, chosen for each task on its own.

    .. math:: \Omega(W) = \sum_{jt} |W_{jt}|

    Parameters
    ----------
    weight : float, default=1.0
        Factor on the penalty.
    feature_weight : array-like of shape (n_features,), default=None
        Factor on each feature's coefficients; 1 by default.

    References
    ----------
    Tibshirani, "Regression shrinkage and selection via the lasso", JRSS B 58, 1996, eq. 1.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl.linear.penalties import L1
    >>> L1().prox(np.array([[3.0, -0.5]]), 1.0)
    array([[ 2., -0.]])
    """

    alias = "l1"
    prox_order = 1

    def value(self, W: Array) -> float:
        return float((self.row_weights(W) * np.abs(W)).sum())

    def prox(self, W: Array, step: float) -> Array:
        return np.copysign(np.maximum(np.abs(W) - step * self.row_weights(W), 0.0), W)

    def dual_norm(self, Z: Array) -> float:
        return self.largest_ratio(np.abs(Z).max(axis=1, initial=0.0))
