"""Ridge."""

from __future__ import annotations

import numpy as np

from skmtl.linear.penalties._base import Array
from skmtl.linear.penalties._quadratic import Quadratic


class L2(Quadratic):
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
    over_tasks = False
    eigenvalues = (1.0, 1.0)

    def __init__(self, weight: float = 1.0) -> None:
        self.weight = weight

    def matrix(self, n_tasks: int) -> Array:
        return np.eye(n_tasks)

    def prox(self, W: Array, step: float) -> Array:
        return W / (1.0 + step * self.weight)
