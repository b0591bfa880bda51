r"""Quadratic penalties at many alphas from one eigendecomposition of each Gram matrix.

The best intercepts for given coefficients, their mean :math:`\beta` and the distances

.. math:: b_t - \beta = \frac{\omega_t}{\omega_t + \iota} (\bar y_t - \bar x_t' w_t - \beta),
          \qquad \kappa_t = \frac{\omega_t \iota}{\omega_t + \iota},

leave a problem in W alone: features are centred less the more intercepts are pulled together,

.. math:: (G_t + \kappa_t \bar x_t \bar x_t' + (D + P) I) \, w_t
          = q_t + \kappa_t \bar x_t (\bar y_t - \beta) + P m.

With the eigenvectors of the matrix on the left, whatever D and P, the mean m of the coefficients
and :math:`\beta` solve one small system. :math:`\kappa = 0` where intercepts are free or absent,
and :math:`\kappa = \omega` where there is one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.linear.objective._options import FitOptions
from skmtl.linear.objective._penalty_part import PenaltyPart
from skmtl.linear.objective._statistics import Statistics
from skmtl.linear.objective._task_matrix import TaskMatrix
from skmtl.linear.solvers._normal_equations import least_squares

Array = NDArray[Any]

ROUNDING = 1e-12
"""Share of the curvature of one intercept that is left where coefficients can be it, too."""


def is_quadratic(parts: list[PenaltyPart], options: FitOptions) -> bool:
    """Whether the penalty is a quadratic form that a closed form may solve."""
    return (
        len(parts) == 1
        and parts[0].is_quadratic
        and parts[0].has_quadratic
        and not options.positive
        and options.solver in ("auto", "closed_form")
    )


def has_ridge_path(parts: list[PenaltyPart], options: FitOptions) -> bool:
    """Whether `RidgePath` solves it: ridge, distance from the mean, and sums of the two."""
    return is_quadratic(parts, options) and parts[0].Q.dense is None


class RidgePath:
    r"""Closed form of squared loss with a ridge and a penalty on distances from the mean.

    Parameters
    ----------
    statistics : Statistics
        Centred where there are intercepts, and at the origin where they are compared.
    intercept_alpha : float, default=0.0
        Strength :math:`\iota` of what pulls intercepts together: 0, positive or inf.
    """

    def __init__(self, statistics: Statistics, intercept_alpha: float = 0.0) -> None:
        self.statistics = stats = statistics
        omega, means = stats.omega, stats.x_mean
        # Of intercepts: what is left of their distances from the mean.
        self.kept = 1.0 / (1.0 + intercept_alpha / omega)
        self.kappa = omega * (1.0 - self.kept)
        self.gram, self.cross = stats.gram, stats.cross
        if intercept_alpha:
            of_groups = self.kappa[[tasks[0] for tasks in stats.members]]
            self.gram = self.gram + of_groups[:, None, None] * means[:, :, None] * means[:, None, :]
            self.cross = self.cross + stats.means_times(self.kappa * stats.y_mean)
        values, self.vectors = np.linalg.eigh(self.gram)
        self.values = np.where(values > 1e-12 * values[:, -1:], values, 0.0)
        self.counts = np.bincount(stats.group)
        self.rotated = self._rotate(self.cross)
        self.means = self._rotate(stats.means_times(self.kappa)) if intercept_alpha else None

    def solve(self, Q: TaskMatrix) -> tuple[Array, Array]:
        """W (p, T) and b (T,) for the penalty Q, without a dense part."""
        stats, P = self.statistics, Q.on_deviation - Q.on_mean
        scale = self.values + Q.on_deviation
        inverse = np.divide(1.0, scale, out=np.zeros_like(scale), where=scale > 0)
        m, beta = self._shared(Q.on_mean, P, inverse)
        pulled = self.rotated
        if P:
            pulled = pulled + P * self._rotate_shared(m)
        if self.means is not None:
            pulled = pulled - beta * self.means
        W = self._back(inverse[stats.group].T * pulled)
        found = stats.intercepts(W)
        return W, (beta + self.kept * (found - beta) if self.means is not None else found)

    def _shared(self, D: float, P: float, h: Array) -> tuple[Array, float]:
        """Mean over tasks m (p,) of the coefficients, and beta, that of the intercepts.

        Sums over tasks, with r = U' kappa x: (U h (s + D) U') m + (U h r) beta = U h U' q and
        P (U h r)' m + (kappa - r'h r) beta = kappa y - r'h U' q.
        """
        stats, h_of_tasks = self.statistics, h[self.statistics.group].T
        beside, size, beta, right = None, 0.0, 0.0, h_of_tasks * self.rotated
        if self.means is not None:
            along = h_of_tasks * self.means
            size = float(self.kappa.sum() - np.vdot(along, self.means))
            beta = float(self.kappa @ stats.y_mean - np.vdot(along, self.rotated))
            if size > ROUNDING * self.kappa.sum():
                beta, beside = beta / size, self._back(along).sum(axis=1)
            else:
                beta = 0.0
        if not P:
            return np.zeros(stats.n_features), beta
        left = self.counts[:, None] * h * (self.values + D)
        if len(left) == 1 and beside is None:
            # One basis: the system is diagonal too.
            inverse = np.divide(1.0, left[0], out=np.zeros_like(left[0]), where=left[0] > 0)
            return self.vectors[0] @ (inverse * right.sum(axis=1)), beta
        U = self.vectors.swapaxes(0, 1).reshape(stats.n_features, -1)
        left, right = (U * left.ravel()) @ U.T, self._back(right).sum(axis=1)
        if beside is not None:
            left -= P / size * np.outer(beside, beside)
            right -= beta * beside
        m, _ = least_squares(left, right)
        return m, beta if beside is None else beta - P / size * float(beside @ m)

    def _rotate(self, columns: Array) -> Array:
        """U_t' times the column of every task (p, T)."""
        if len(self.vectors) == 1:
            return self.vectors[0].T @ columns
        U = self.vectors[self.statistics.group]
        return np.matmul(columns.T[:, None, :], U)[:, 0].T

    def _rotate_shared(self, m: Array) -> Array:
        return np.matmul(m, self.vectors)[self.statistics.group].T

    def _back(self, columns: Array) -> Array:
        """U_t times the column of every task (p, T)."""
        if len(self.vectors) == 1:
            return self.vectors[0] @ columns
        U = self.vectors[self.statistics.group]
        return np.matmul(U, columns.T[:, :, None])[:, :, 0].T
