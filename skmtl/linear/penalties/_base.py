"""What every penalty on the coefficient matrix W (n_features, n_outputs) is, and their sums."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from numbers import Real
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone

from skmtl._aliases import Searchable
from skmtl.tasks._by_name import cut_to

Array = NDArray[Any]


def is_number(value: Any, kind: Any = Real) -> bool:
    """Whether a parameter is a finite number, of a kind."""
    return isinstance(value, kind) and abs(float(value)) < np.inf


class Penalty(Searchable, BaseEstimator, ABC):
    r"""Base class of penalties :math:`\mathrm{weight} \cdot \Omega(W)`.

    Penalties form a small algebra: ``.3 * L1()`` is ``L1(weight=.3)``, ``A + B`` adds, and
    ``Split(A, B)`` writes W = P + Q with a penalty on each part.

    A penalty of your own derives from `NormAtom` if it is a norm, from `RowNorm` if it is a norm
    that is a sum over features, from `Quadratic` if it is :math:`\tfrac12 \mathrm{tr}(W Q W')`,
    and from `Atom` otherwise; :func:`skmtl.testing.check_penalty` checks it. As an estimator of
    scikit-learn it stores the arguments of ``__init__`` unchanged, ``weight`` among them, and
    all methods include that factor unless they say otherwise.

    Attributes
    ----------
    weight : float
        Factor on the penalty, at least 0.
    alias : str
        Name of the penalty where it is registered in ``PENALTIES``; not needed otherwise.
    per_task : dict {str: callable}, default={}
        Parameters that have an entry, or a row and a column, per task. The callable gets the
        value, the names of the tasks and what to call the parameter in a message, and returns
        an array in the order of the tasks, or raises ValueError.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl.linear.penalties import L1, L2
    >>> W = np.array([[3.0, -4.0], [0.0, 0.0]])
    >>> L1().value(W), L2().value(W)
    (7.0, 12.5)
    >>> (0.3 * L1() + L2()).value(W)
    14.6
    """

    alias: ClassVar[str]
    per_task: ClassVar[dict[str, Callable[[Any, Any, str], Any]]] = {}
    weight: float

    def __mul__(self, factor: float) -> Self:
        scaled: Self = clone(self)
        return scaled.set_params(weight=self.weight * factor)

    __rmul__ = __mul__

    def __add__(self, other: Penalty) -> Penalty:
        return Sum(self, other)

    @abstractmethod
    def value(self, W: Array) -> float:
        """Penalty of W.

        Parameters
        ----------
        W : ndarray of shape (n_features, n_outputs)
            Coefficients.

        Returns
        -------
        value : float
            At least 0, and 0 for W = 0; convex in W.
        """

    def check(self, n_features: int | None = None) -> None:
        """Raise ValueError for a parameter that makes no penalty; a fit begins with it.

        A negative weight is not convex, and a gap certifies nothing.

        Parameters
        ----------
        n_features : int or None, default=None
            Number of features of X, where it is known.
        """
        if not (is_number(self.weight) and self.weight >= 0):
            raise ValueError(
                f"{type(self).__name__}(weight={self.weight!r}); expected a finite number >= 0."
            )

    def for_tasks(self, kept: Array, n_tasks: int) -> Penalty:
        """The penalty of some of the tasks: those that have labels, or that a fold has.

        By default the parameters in ``per_task`` are cut to these tasks.

        Parameters
        ----------
        kept : ndarray of int
            Positions of the tasks that are left.
        n_tasks : int
            Number of tasks before.

        Returns
        -------
        penalty : Penalty
            Penalty for W with the columns of the tasks that are left.
        """
        given = {name: getattr(self, name) for name in self.per_task}
        cut = {name: cut_to(v, kept, n_tasks) for name, v in given.items() if v is not None}
        return clone(self).set_params(**cut) if cut else self

    def atoms(self) -> list[Any]:
        """Addends, each an `Atom` with its weight."""
        raise TypeError(f"{type(self).__name__} has no list of addends.")

    def parts(self) -> list[Penalty]:
        """Penalties of the parts that add up to W.

        Returns
        -------
        parts : list of Penalty
            This one, or those of a `Split`.
        """
        return [self]


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

    def __init__(self, left: Penalty, right: Penalty, weight: float = 1.0) -> None:
        self.left = left
        self.right = right
        self.weight = weight

    def value(self, W: Array) -> float:
        return self.weight * (self.left.value(W) + self.right.value(W))

    def check(self, n_features: int | None = None) -> None:
        super().check(n_features)
        check_both(self, n_features, left=self.left, right=self.right)

    def for_tasks(self, kept: Array, n_tasks: int) -> Penalty:
        left, right = (side.for_tasks(kept, n_tasks) for side in (self.left, self.right))
        return Sum(left, right, self.weight)

    def atoms(self) -> list[Any]:
        if any(len(side.parts()) > 1 for side in (self.left, self.right)):
            raise ValueError("A Split cannot be added to: add to its parts, Split(A + C, B + C).")
        return [atom * self.weight for atom in [*self.left.atoms(), *self.right.atoms()]]


def check_both(penalty: Penalty, n_features: int | None, **sides: Penalty) -> None:
    """Check the two penalties that one is made of."""
    for name, side in sides.items():
        if not isinstance(side, Penalty):
            raise ValueError(
                f"{type(penalty).__name__}({name}={side!r}); expected a penalty object, such as "
                "L21()."
            )
        side.check(n_features)
