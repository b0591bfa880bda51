"""Features that are used by all tasks, up to the same bound."""

from __future__ import annotations

import numpy as np

from skmtl.linear.penalties._base import Array
from skmtl.linear.penalties._row_norm import RowNorm


class L1Inf(RowNorm):
    r"""Sum of the largest absolute value of each row of W: shared features, free within a bound.

    .. math:: \Omega(W) = \sum_j \max_t |W_{jt}|

    Parameters
    ----------
    weight : float, default=1.0
        Factor on the penalty.
    feature_weight : array-like of shape (n_features,), default=None
        Factor on each feature's term; 1 by default.

    References
    ----------
    Quattoni, Carreras, Collins and Darrell, "An efficient projection for l1,inf
    regularization", ICML 2009, eq. 2.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl.linear.penalties import L1Inf
    >>> L1Inf().prox(np.array([[3.0, 2.5, 0.5]]), 1.0)
    array([[2.25, 2.25, 0.5 ]])
    """

    alias = "l1inf"
    prox_order = 2

    def value(self, W: Array) -> float:
        return float(self.row_weights(W)[:, 0] @ np.abs(W).max(axis=1, initial=0.0))

    def prox(self, W: Array, step: float) -> Array:
        # Moreau: what is left of W after projection on the dual ball, |.|_1 <= step weight.
        return W - _project_on_l1_ball(W, step * self.row_weights(W))

    def dual_norm(self, Z: Array) -> float:
        return self.largest_ratio(np.abs(Z).sum(axis=1))


def _project_on_l1_ball(W: Array, radius: Array) -> Array:
    r"""Each row on the ball :math:`|w|_1 \le` its radius, (n_features, 1)."""
    size = np.abs(W)
    ordered = -np.sort(-size, axis=1)
    excess = np.cumsum(ordered, axis=1) - radius
    count = np.arange(1, W.shape[1] + 1)
    # The threshold is that of the largest number of entries which all stay above it.
    n_kept = np.maximum((ordered * count > excess).sum(axis=1, keepdims=True), 1)
    threshold = np.take_along_axis(excess, n_kept - 1, axis=1) / n_kept
    threshold = np.where(size.sum(axis=1, keepdims=True) <= radius, 0.0, threshold)
    return np.sign(W) * np.maximum(size - threshold, 0.0)
