"""Tasks that differ a little from their mean."""

from __future__ import annotations

from skmtl.linear.penalties._l2 import L2


class MeanDeviation(L2):
    r"""Half the squared distance of the tasks from their mean: similar tasks.

    .. math:: \Omega(W) = \tfrac12 \sum_t \|w_t - \bar w\|_2^2, \quad \bar w = \tfrac1T \sum_t w_t

    The mean itself is free. Since :math:`\Omega(W) = \min_{w_0} \tfrac12 \sum_t \|w_t - w_0\|^2`,
    this is `L2` on V in :math:`W = w_0 1' + V`: the methods speak of V.

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

    alias = "mean"
    is_centred = True
