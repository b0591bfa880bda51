"""Shared features, correlated ones together."""

from __future__ import annotations

from skmtl.linear.penalties._atoms import Atom
from skmtl.linear.penalties._l2 import L2
from skmtl.linear.penalties._l21 import L21
from skmtl.linear.penalties._mix import Mix


class ElasticNet(Mix):
    r"""Mix of `L21` and `L2`: shared features, with the ridge's grouping of correlated ones.

    .. math:: \Omega(W) = \rho \sum_j \|W_{j \cdot}\|_2 + \tfrac{1 - \rho}{2} \|W\|_F^2

    Parameters
    ----------
    l1_ratio : float in [0, 1], default=0.5
        Share :math:`\rho` of `L21`; scikit-learn's ``MultiTaskElasticNet`` has the same.
    weight : float, default=1.0
        Factor on the penalty.

    References
    ----------
    Zou and Hastie, "Regularization and variable selection via the elastic net", JRSS B 67,
    2005, eq. 3.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl.linear.penalties import ElasticNet
    >>> ElasticNet(0.5).value(np.array([[3.0, 4.0]]))
    8.75
    """

    alias = "elastic_net"

    def ends(self) -> tuple[Atom, Atom]:
        return L21(), L2()
