"""Lasso."""

from __future__ import annotations

import numpy as np

from skmtl.linear.penalties._base import Array, NormPenalty


class L1(NormPenalty):
    r"""Sum of absolute values: few coefficients, chosen for each task on its own.

    .. math:: \Omega(W) = \sum_{jt} |W_{jt}|

    Parameters
    ----------
    weight : float, default=1.0
        Factor on the penalty.

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

    def value(self, W: Array) -> float:
        return self.weight * float(np.abs(W).sum())

    def prox(self, W: Array, step: float) -> Array:
        return np.copysign(np.maximum(np.abs(W) - step * self.weight, 0.0), W)

    def dual_norm(self, Z: Array) -> float:
        return float(np.abs(Z).max(initial=0.0))
