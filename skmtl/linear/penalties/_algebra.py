"""Sums and splits: the named models of the literature are combinations of a few atoms."""

from __future__ import annotations

import numpy as np

from skmtl.linear.penalties._base import Array, Atom, Penalty, is_number
from skmtl.linear.penalties._l1 import L1
from skmtl.linear.penalties._l2 import L2
from skmtl.linear.penalties._l21 import L21


class Sum(Penalty):
    r"""Sum of two penalties, written ``A + B``.

    .. math:: \Omega(W) = \Omega_A(W) + \Omega_B(W)

    Any two can be added; exact zeros are those of the row-wise norms (`L1`, `L21`, `L1Inf`).

    Parameters
    ----------
    left, right : Penalty
        Addends; sums themselves, for more than two.
    weight : float, default=1.0
        Factor on the sum.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl.linear.penalties import L1, L2
    >>> (L1() + 2 * L2()).value(np.array([[1.0, -1.0]]))
    4.0
    """

    alias = "sum"

    def __init__(self, left: Penalty, right: Penalty, weight: float = 1.0) -> None:
        self.left = left
        self.right = right
        self.weight = weight

    def value(self, W: Array) -> float:
        return self.weight * (self.left.value(W) + self.right.value(W))

    def check(self, n_features: int | None = None) -> None:
        super().check(n_features)
        _check_both(self, n_features, left=self.left, right=self.right)

    def for_tasks(self, kept: Array, n_tasks: int) -> Penalty:
        left, right = (side.for_tasks(kept, n_tasks) for side in (self.left, self.right))
        return Sum(left, right, self.weight)

    def atoms(self) -> list[Atom]:
        if isinstance(self.left, Split) or isinstance(self.right, Split):
            raise ValueError("A Split cannot be added to: add to its parts, Split(A + C, B + C).")
        return [atom * self.weight for atom in [*self.left.atoms(), *self.right.atoms()]]


class Split(Penalty):
    r"""Two parts with a penalty each, W = P + Q.

    .. math:: \Omega(W) = \min_{P + Q = W} \Omega_A(P) + \Omega_B(Q)

    Parameters
    ----------
    first, second : Penalty
        Penalties of P and of Q; splits themselves, for more than two parts.
    weight : float, default=1.0
        Factor on the penalty.

    References
    ----------
    Jalali, Ravikumar, Sanghavi and Ruan, "A dirty model for multi-task learning", NIPS 2010,
    eq. 1.

    Examples
    --------
    >>> from skmtl import MultiTaskLinear
    >>> from skmtl.linear.penalties import L21, Split, TraceNorm
    >>> model = MultiTaskLinear(Split(TraceNorm(), 2 * L21(axis="tasks")))
    """

    alias = "split"

    def __init__(self, first: Penalty, second: Penalty, weight: float = 1.0) -> None:
        self.first = first
        self.second = second
        self.weight = weight

    def value(self, W: Array) -> float:
        """Not known from W alone: the fit finds the parts."""
        raise TypeError("The value of a Split depends on its parts, see coef_components_.")

    def check(self, n_features: int | None = None) -> None:
        super().check(n_features)
        _check_both(self, n_features, first=self.first, second=self.second)

    def for_tasks(self, kept: Array, n_tasks: int) -> Penalty:
        first, second = (half.for_tasks(kept, n_tasks) for half in (self.first, self.second))
        return Split(first, second, self.weight)

    def parts(self) -> list[Penalty]:
        """Penalty of each part, with the weight of the whole."""
        return [part * self.weight for half in (self.first, self.second) for part in parts_of(half)]


class ElasticNet(Sum):
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

    def __init__(self, l1_ratio: float = 0.5, *, weight: float = 1.0) -> None:
        self.l1_ratio = l1_ratio
        self.weight = weight

    def check(self, n_features: int | None = None) -> None:
        Penalty.check(self, n_features)
        if not (is_number(self.l1_ratio) and 0 <= self.l1_ratio <= 1):
            raise ValueError(f"{type(self).__name__}(l1_ratio={self.l1_ratio!r}) is not in [0, 1].")

    def for_tasks(self, kept: Array, n_tasks: int) -> Penalty:
        return self

    def _mix(self, sparse: Atom, other: Atom) -> list[Atom]:
        mixed = [(self.l1_ratio, sparse), (1 - self.l1_ratio, other)]
        return [atom * (self.weight * share) for share, atom in mixed if share]

    def atoms(self) -> list[Atom]:
        return self._mix(L21(), L2())

    def value(self, W: Array) -> float:
        return float(np.sum([atom.value(W) for atom in self.atoms()]))


class SparseGroup(ElasticNet):
    r"""Mix of `L21` and `L1`: few features, and few of the tasks for each of them.

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

    def atoms(self) -> list[Atom]:
        return self._mix(L1(), L21())


def parts_of(penalty: Penalty) -> list[Penalty]:
    """Parts of a `Split`, or the penalty alone."""
    return penalty.parts() if isinstance(penalty, Split) else [penalty]


def _check_both(penalty: Penalty, n_features: int | None, **sides: Penalty) -> None:
    """Check what a penalty is made of."""
    for name, side in sides.items():
        if not isinstance(side, Penalty):
            raise ValueError(
                f"{type(penalty).__name__}({name}={side!r}); expected a penalty object, such as "
                "L21()."
            )
        side.check(n_features)
