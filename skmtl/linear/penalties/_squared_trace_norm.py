"""Few shared directions, and how tasks relate."""

from __future__ import annotations

import numpy as np

from skmtl.linear.penalties._atoms import Atom, of_trace_one
from skmtl.linear.penalties._base import Array


class SquaredTraceNorm(Atom):
    r"""Half the squared trace norm: feature learning, and learning how tasks relate.

    .. math:: \Omega(W) = \tfrac12 \Bigl(\sum_k \sigma_k(W)\Bigr)^2
              = \min_{\Sigma \succeq 0,\ \mathrm{tr} \Sigma = 1}
                \tfrac12 \mathrm{tr}(W \Sigma^{-1} W')

    The best :math:`\Sigma = (W'W)^{1/2} / \mathrm{tr}` is the fitted ``task_covariance_``.

    Parameters
    ----------
    weight : float, default=1.0
        Factor on the penalty.

    References
    ----------
    Argyriou, Evgeniou and Pontil, "Convex multi-task feature learning", Machine Learning 73,
    2008, eq. 8; Zhang and Yeung, "A convex formulation for learning task relationships in
    multi-task learning", UAI 2010, eq. 6.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl.linear.penalties import SquaredTraceNorm
    >>> round(SquaredTraceNorm().value(np.diag([3.0, 1.0])), 6)
    8.0
    """

    alias = "squared_trace_norm"
    is_rotation_invariant = True

    def __init__(self, weight: float = 1.0) -> None:
        self.weight = weight

    def value(self, W: Array) -> float:
        return 0.5 * self.weight * float(np.linalg.svd(W, compute_uv=False).sum()) ** 2

    def prox(self, W: Array, step: float) -> Array:
        U, s, Vt = np.linalg.svd(W, full_matrices=False)
        t = step * self.weight
        # Optimality: x_k = max(s_k - t sum(x), 0), so with the k largest kept the threshold is
        # t sum(s_1..k) / (1 + k t).
        thresholds = t * np.cumsum(s) / (1.0 + t * np.arange(1, len(s) + 1))
        n_kept = int((s > thresholds).sum())
        threshold = thresholds[n_kept - 1] if n_kept else 0.0
        return (U * np.maximum(s - threshold, 0.0)) @ Vt

    def dual_scale(self, Z: Array, alpha: float) -> float:
        return 1.0

    def conjugate(self, Z: Array, alpha: float) -> float:
        largest = float(np.linalg.norm(Z, ord=2)) if Z.size else 0.0
        return 0.5 * largest**2 / (alpha * self.weight)

    def task_covariance(self, W: Array) -> Array | None:
        _, s, Vt = np.linalg.svd(W, full_matrices=True)
        return of_trace_one(Vt, np.concatenate([s, np.zeros(len(Vt) - len(s))]))
