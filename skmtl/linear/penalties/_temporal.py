"""Tasks that follow each other in time."""

from __future__ import annotations

import numpy as np

from skmtl.linear.penalties._base import Array
from skmtl.linear.penalties._quadratic import Quadratic


class Temporal(Quadratic):
    r"""Half the squared distances between consecutive tasks: points in time, doses, grades.

    .. math:: \Omega(W) = \tfrac12 \sum_t \|w_{t+1} - w_t\|_2^2

    Parameters
    ----------
    weight : float, default=1.0
        Factor on the penalty.

    References
    ----------
    Zhou, Yuan, Liu and Ye, "A multi-task learning formulation for predicting disease
    progression", KDD 2011, eq. 3.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl.linear.penalties import Temporal
    >>> Temporal().value(np.array([[1.0, 3.0, 3.0]]))
    2.0
    """

    alias = "temporal"

    def __init__(self, weight: float = 1.0) -> None:
        self.weight = weight

    def matrix(self, n_tasks: int) -> Array:
        steps = np.diff(np.eye(n_tasks), axis=0)
        return steps.T @ steps
