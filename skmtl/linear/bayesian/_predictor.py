r"""Coefficients of tasks with what is known of them: means, covariances, predictions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import gen_batches

from skmtl.linear.bayesian._likelihood import Posterior
from skmtl.linear.bayesian._moments import Coordinates
from skmtl.linear.objective._statistics import Statistics

Array = NDArray[Any]

CHUNK = 2**22
"""Numbers of rows looked at together."""


@dataclass(frozen=True)
class FreeIntercepts:
    r"""Intercepts of which nothing was known beforehand: :math:`b_t = \bar y_t - \bar z_t'w_t`.

    ``means`` :math:`\bar z_t` of the rows of every task, in common coordinates (n_tasks, d - 1),
    of its labels (n_tasks,), and the number of these.
    """

    means: Array
    labels: Array
    n: Array

    @classmethod
    def of(cls, statistics: Statistics, coordinates: Coordinates) -> Self:
        """From means of features and labels."""
        means = (statistics.x_mean - coordinates.mean) / coordinates.scale
        return cls(means[statistics.group], statistics.y_mean, statistics.omega)

    def with_intercept(self, covariance: Array, noise: float, task: int) -> Array:
        """Covariance of intercept and slopes, from that of (0, slopes)."""
        moved = np.eye(len(covariance))
        moved[0, 1:] = -self.means[task]
        found: Array = moved @ covariance @ moved.T
        found[0, 0] += noise / self.n[task]
        return found


@dataclass(frozen=True)
class RandomCoefficients:
    r"""The distribution of the coefficients over tasks, and of each task given its labels.

    With the notation of `skmtl.linear.bayesian._likelihood`,
    :math:`M_t = I + L'U_tU_t'L / \sigma_t^2` and
    :math:`F_t = I - L M_t^{-1} L' U_t U_t' / \sigma_t^2`,

    .. math:: \mathrm{Cov}(v_t) = L M_t^{-1} L' + F_t K^{-1} F_t'

    and :math:`\Sigma + K^{-1}` for a task without labels, which is -1.

    Attributes
    ----------
    v : ndarray of shape (n_tasks, d)
        Mean of the coefficients of every task.
    n_left : ndarray of shape (n_tasks,)
        Labels that the variance of the noise of a task is estimated from, less what they were used
        for.
    """

    coordinates: Coordinates
    U: Array
    group: Array
    L: Array
    noise: Array
    n_left: Array
    m: Array
    C: Array
    v: Array
    intercepts: FreeIntercepts | None = None

    @classmethod
    def of(
        cls,
        posterior: Posterior,
        coordinates: Coordinates,
        n_left: Array,
        intercepts: FreeIntercepts | None = None,
    ) -> Self:
        """Without what is only needed to find it; with intercepts, if these are free."""
        moments, variances = posterior.moments, posterior.variances
        if intercepts is not None:
            w = posterior.coefficients
            b = intercepts.labels - (intercepts.means * w).sum(axis=1)
            return cls(
                coordinates=coordinates,
                U=np.pad(moments.U, ((0, 0), (1, 0), (0, 0))),
                group=moments.group,
                L=np.pad(variances.L, ((1, 0), (0, 0))),
                noise=np.array(variances.noise),
                n_left=n_left,
                m=np.r_[0.0, posterior.m],
                C=np.pad(posterior.C, ((1, 0), (1, 0))),
                v=np.column_stack([b, w]),
                intercepts=intercepts,
            )
        return cls(
            coordinates=coordinates,
            U=moments.U,
            group=moments.group,
            L=variances.L,
            noise=np.array(variances.noise),
            n_left=n_left,
            m=posterior.m,
            C=posterior.C,
            v=posterior.coefficients,
        )

    def covariance(self, task: int) -> Array:
        """That of the coefficients of a task, (d, d)."""
        if task < 0:
            return self.L @ self.L.T + self.C
        U = self.U[self.group[task]]
        LU = self.L.T @ U / np.sqrt(self.noise[task])
        within = np.linalg.solve(np.eye(len(LU)) + LU @ LU.T, self.L.T)
        F = np.eye(len(U)) - within.T @ LU @ U.T / np.sqrt(self.noise[task])
        found = self.L @ within + F @ self.C @ F.T
        if self.intercepts is None:
            return found
        return self.intercepts.with_intercept(found, self.noise[task], task)

    def variances(self, X: Any, task: int) -> Array:
        """Variance of a new label of every row, of one task."""
        covariance, found = self.covariance(task), np.empty(X.shape[0])
        for some in gen_batches(len(found), max(1, CHUNK // len(self.m))):
            w = self.coordinates.rows(X[some])
            found[some] = ((w @ covariance) * w).sum(axis=1)
        return found + (self.noise[task] if task >= 0 else self.noise.mean())
