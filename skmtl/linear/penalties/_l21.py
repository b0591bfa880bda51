"""The same few features for all tasks."""

from __future__ import annotations

import numpy as np

from skmtl.linear.penalties._base import Array, NormPenalty


class L21(NormPenalty):
    r"""Sum of the row norms of W: a feature is used by all tasks or by none.

    .. math:: \Omega(W) = \sum_j \|W_{j \cdot}\|_2

    Parameters
    ----------
    weight : float, default=1.0
        Factor on the penalty.

    References
    ----------
    Obozinski, Taskar and Jordan, "Joint covariate selection and joint subspace selection for
    multiple classification problems", Statistics and Computing 20, 2010, eq. 3.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl.linear.penalties import L21
    >>> L21().prox(np.array([[3.0, 4.0], [0.3, 0.4]]), 1.0)
    array([[2.4, 3.2],
           [0. , 0. ]])
    """

    alias = "l21"

    def value(self, W: Array) -> float:
        return self.weight * float(np.linalg.norm(W, axis=1).sum())

    def prox(self, W: Array, step: float) -> Array:
        norms = np.linalg.norm(W, axis=1, keepdims=True)
        # Where a norm is 0 the factor does not matter; 1 avoids 0 / 0.
        shrunk = np.maximum(1.0 - step * self.weight / np.where(norms > 0, norms, 1.0), 0.0)
        return W * shrunk

    def dual_norm(self, Z: Array) -> float:
        return float(np.linalg.norm(Z, axis=1).max(initial=0.0))
