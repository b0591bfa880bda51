"""Quadratic forms over tasks."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import numpy as np

from skmtl.linear.penalties._atoms import Atom
from skmtl.linear.penalties._base import Array


class Quadratic(Atom):
    r"""Base class of a penalty :math:`\tfrac12 \mathrm{tr}(W Q W')`, Q (n_tasks, n_tasks).

    A subclass writes `matrix`. Squared loss then has a closed form, and leave-one-out errors
    come without fits.

    Attributes
    ----------
    over_tasks : bool, default=True
        As in `Atom`.
    eigenvalues : tuple of two floats or None, default=None
        Where Q acts alike on all tasks: its eigenvalues on their mean and on deviations from
        it, without the weight. It makes fits with very many tasks possible. None where Q is a
        matrix of its own.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import MultiTaskLinear
    >>> from skmtl.linear.penalties import Quadratic
    >>> class Ring(Quadratic):
    ...     def __init__(self, weight=1.0):
    ...         self.weight = weight
    ...
    ...     def matrix(self, n_tasks):
    ...         steps = np.eye(n_tasks) - np.roll(np.eye(n_tasks), 1, axis=0)
    ...         return steps.T @ steps
    >>> X, Y = np.eye(3), np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 9.0]])
    >>> MultiTaskLinear(Ring(), alpha=1.0, shared_alpha=0.0).fit(X, Y).coef_.round(1)
    array([[-2.5, -0.5,  2.9],
           [-2.5, -0.5,  3.1]])
    """

    over_tasks = True
    is_rotation_invariant = True
    eigenvalues: ClassVar[tuple[float, float] | None] = None

    @abstractmethod
    def matrix(self, n_tasks: int) -> Array:
        """Q without the weight.

        Parameters
        ----------
        n_tasks : int
            Number of tasks.

        Returns
        -------
        Q : ndarray of shape (n_tasks, n_tasks)
            Symmetric and positive semidefinite.
        """

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
