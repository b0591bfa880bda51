"""Tasks that differ a little from their mean."""

from __future__ import annotations

import numpy as np

from skmtl.linear.penalties._base import Array
from skmtl.linear.penalties._quadratic import Quadratic


class MeanDeviation(Quadratic):
    r"""Half the squared distance of the tasks from their mean: similar tasks.

    .. math:: \Omega(W) = \tfrac12 \sum_t \|w_t - \bar w\|_2^2, \quad \bar w = \tfrac1T \sum_t w_t

    The mean itself is free: this is `L2` on V in :math:`W = w_0 1' + V` at the best
    :math:`w_0`.

    Parameters
    ----------
    weight : float, default=1.0
        Factor on the penalty.

    References
    ----------
    Evgeniou and Pontil, "Regularized multi-task learning", KDD 2004, eq. 5 without the
    penalty on the mean.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl.linear.penalties import MeanDeviation
    >>> MeanDeviation().value(np.array([[1.0, -1.0]]))
    1.0
    """

    alias = "mean_deviation"
    eigenvalues = (0.0, 1.0)

    def __init__(self, weight: float = 1.0) -> None:
        self.weight = weight

    def matrix(self, n_tasks: int) -> Array:
        return np.eye(n_tasks) - 1.0 / n_tasks
