"""What a penalty has to say of the coefficient matrix W (n_features, n_outputs)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from numbers import Real
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone

from skmtl._aliases import Searchable

Array = NDArray[Any]


def is_number(value: Any, kind: Any = Real) -> bool:
    """Whether a parameter is a finite number, of a kind."""
    return isinstance(value, kind) and abs(float(value)) < np.inf


class Penalty(Searchable, BaseEstimator, ABC):
    r"""Base class of penalties :math:`\mathrm{weight} \cdot \Omega(W)`.

    Penalties form a small algebra: ``.3 * L1()`` is ``L1(weight=.3)``, ``A + B`` adds, and
    ``Split(A, B)`` writes W = P + Q with a penalty on each part.

    A new penalty derives from `Atom` (or from `NormAtom` where it is a norm, or from
    `Quadratic`), and is registered in ``PENALTIES``.
    """

    alias: ClassVar[str]
    weight: float

    def __mul__(self, factor: float) -> Self:
        scaled: Self = clone(self)
        return scaled.set_params(weight=self.weight * factor)

    __rmul__ = __mul__

    def __add__(self, other: Penalty) -> Penalty:
        from skmtl.linear.penalties._algebra import Sum

        return Sum(self, other)

    @abstractmethod
    def value(self, W: Array) -> float:
        """Penalty of W, with its weight."""

    def check(self, n_features: int | None = None) -> None:
        """Raise ValueError for a parameter that makes no penalty; a fit begins with it.

        A negative weight is not convex, and a gap certifies nothing.
        """
        if not (is_number(self.weight) and self.weight >= 0):
            raise ValueError(
                f"{type(self).__name__}(weight={self.weight!r}); expected a finite number >= 0."
            )

    def for_tasks(self, kept: Array, n_tasks: int) -> Penalty:
        """The penalty of some of the ``n_tasks`` tasks: those that have labels."""
        return self

    def atoms(self) -> list[Atom]:
        """Addends, each with its weight."""
        raise TypeError(f"{type(self).__name__} has no list of addends.")


class Atom(Penalty):
    """A penalty that is not made of others.

    Attributes
    ----------
    over_tasks : bool
        Whether the columns of W must be tasks; with several classes a task, the rows are then
        features times classes.
    is_rotation_invariant : bool
        Whether the penalty of U W is that of W, for every orthogonal U (n_features, n_features).
    rank : int or None
        The prox of a sum of atoms with different ranks is the composition of their prox in the
        order of rank (Jenatton et al., JMLR 12, 2011; Zhou et al., KDD 2012, theorem 1). Other
        sums have several pieces, each with its own prox.
    allows_positive : bool
        Whether the prox over W >= 0 is that of the positive part of W.
    """

    over_tasks: ClassVar[bool] = False
    is_rotation_invariant: ClassVar[bool] = False
    rank: ClassVar[int | None] = None
    allows_positive: ClassVar[bool] = False

    def atoms(self) -> list[Atom]:
        return [self]

    @abstractmethod
    def prox(self, W: Array, step: float) -> Array:
        r"""Minimiser of :math:`\frac12 \|V - W\|_F^2 + \mathrm{step} \cdot \mathrm{value}(V)`."""

    @abstractmethod
    def dual_scale(self, Z: Array, alpha: float) -> float:
        """Largest s <= 1 for which the conjugate of alpha times the penalty is finite at s Z."""

    @abstractmethod
    def conjugate(self, Z: Array, alpha: float) -> float:
        """Conjugate of alpha times the penalty at a Z made feasible by `dual_scale`."""

    def alpha_max(self, Z: Array) -> float:
        """Smallest alpha at which W is 0, given the gradient Z of the loss at W = 0."""
        return np.inf


class NormAtom(Atom):
    """A penalty that is a norm: its conjugate is 0 inside the dual norm's ball."""

    @abstractmethod
    def dual_norm(self, Z: Array) -> float:
        """Dual norm of Z, for weight 1."""

    def dual_scale(self, Z: Array, alpha: float) -> float:
        size, radius = self.dual_norm(Z), alpha * self.weight
        return 1.0 if size <= radius else radius / size

    def conjugate(self, Z: Array, alpha: float) -> float:
        return 0.0

    def alpha_max(self, Z: Array) -> float:
        return self.dual_norm(Z) / self.weight if self.weight else np.inf


class Quadratic(Atom):
    r"""A penalty :math:`\tfrac12 \mathrm{tr}(W Q W')` with a matrix Q (n_tasks, n_tasks).

    Attributes
    ----------
    eigenvalues : tuple of two floats or None
        Where Q acts alike on all tasks: its eigenvalues on their mean and on deviations from
        it. None where Q is a matrix of its own, see `matrix`.
    """

    over_tasks = True
    is_rotation_invariant = True
    eigenvalues: ClassVar[tuple[float, float] | None] = None

    @abstractmethod
    def matrix(self, n_tasks: int) -> Array:
        """Q, without the weight."""

    def value(self, W: Array) -> float:
        Q = self.weight * self.matrix(W.shape[1])
        return 0.5 * float(np.vdot(W, W @ Q))

    def prox(self, W: Array, step: float) -> Array:
        system = np.eye(W.shape[1]) + step * self.weight * self.matrix(W.shape[1])
        solved: Array = np.linalg.solve(system, W.T).T
        return solved

    def dual_scale(self, Z: Array, alpha: float) -> float:
        """1 where the rows of Z lie in the range of Q, else 0."""
        Q = self.matrix(Z.shape[1])
        outside = Z - Z @ np.linalg.pinv(Q, hermitian=True) @ Q
        return float(np.abs(outside).max(initial=0.0) <= 1e-9 * np.abs(Z).max(initial=1.0))

    def conjugate(self, Z: Array, alpha: float) -> float:
        inverse = np.linalg.pinv(self.matrix(Z.shape[1]), hermitian=True)
        return 0.5 * float(np.vdot(Z, Z @ inverse)) / (alpha * self.weight)
