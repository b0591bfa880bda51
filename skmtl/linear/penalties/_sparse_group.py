"""Few features, and few tasks for each of them."""

from __future__ import annotations

from skmtl.linear.penalties._atoms import Atom
from skmtl.linear.penalties._l1 import L1
from skmtl.linear.penalties._l21 import L21
from skmtl.linear.penalties._mix import Mix


class SparseGroup(Mix):
    r"""Mix of `L1` and `L21`: few features, and few of the tasks for each of them.

    .. math:: \Omega(W) = \rho \sum_{jt} |W_{jt}| + (1 - \rho) \sum_j \|W_{j \cdot}\|_2

    Parameters
    ----------
    l1_ratio : float in [0, 1], default=0.5
        Share :math:`\rho` of `L1`.
    weight : float, default=1.0
        Factor on the penalty.

    References
    ----------
    Simon, Friedman, Hastie and Tibshirani, "A sparse-group lasso", JCGS 22, 2013, eq. 2.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl.linear.penalties import SparseGroup
    >>> SparseGroup(0.5).value(np.array([[3.0, 4.0]]))
    6.0
    """

    alias = "sparse_group"

    def ends(self) -> tuple[Atom, Atom]:
        return L1(), L21()
