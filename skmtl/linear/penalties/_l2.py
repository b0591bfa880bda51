"""Ridge."""

from __future__ import annotations

import numpy as np

from skmtl.linear.penalties._base import Array, Penalty


class L2(Penalty):
    r"""Half the sum of squares: small coefficients, nothing shared between tasks.

    .. math:: \Omega(W) = \tfrac12 \sum_{jt} W_{jt}^2

    Parameters
    ----------
    weight : float, default=1.0
        Factor on the penalty.

    References
    ----------
    Hoerl and Kennard, "Ridge regression", Technometrics 12, 1970.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl.linear.penalties import L2
    >>> L2().value(np.array([[1.0, 2.0], [0.0, 2.0]]))
    4.5
    """

    alias = "l2"
    is_quadratic = True

    def value(self, W: Array) -> float:
        return 0.5 * self.weight * float(np.vdot(W, W))

    def prox(self, W: Array, step: float) -> Array:
        return W / (1.0 + step * self.weight)

    def dual_scale(self, Z: Array, alpha: float) -> float:
        return 1.0

    def conjugate(self, Z: Array, alpha: float) -> float:
        return 0.5 * float(np.vdot(Z, Z)) / (alpha * self.weight)

    def alpha_max(self, Z: Array) -> float:
        return np.inf
