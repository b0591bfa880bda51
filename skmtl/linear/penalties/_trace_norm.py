"""Few shared directions."""

from __future__ import annotations

import numpy as np

from skmtl.linear.penalties._atoms import NormAtom
from skmtl.linear.penalties._base import Array


class TraceNorm(NormAtom):
    r"""Sum of the singular values of W: few shared directions explain all tasks.

    .. math:: \Omega(W) = \sum_k \sigma_k(W)

    Parameters
    ----------
    weight : float, default=1.0
        Factor on the penalty.

    References
    ----------
    Ji and Ye, "An accelerated gradient method for trace norm minimization", ICML 2009, eq. 2.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl.linear.penalties import TraceNorm
    >>> round(TraceNorm().value(np.diag([3.0, 1.0])), 6)
    4.0
    """

    alias = "trace_norm"
    is_rotation_invariant = True

    def __init__(self, weight: float = 1.0) -> None:
        self.weight = weight

    def value(self, W: Array) -> float:
        return self.weight * float(np.linalg.svd(W, compute_uv=False).sum())

    def prox(self, W: Array, step: float) -> Array:
        U, s, Vt = np.linalg.svd(W, full_matrices=False)
        return (U * np.maximum(s - step * self.weight, 0.0)) @ Vt

    def dual_norm(self, Z: Array) -> float:
        return float(np.linalg.norm(Z, ord=2)) if Z.size else 0.0
