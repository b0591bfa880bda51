r"""Coefficients of tasks with what is known of them: means, covariances, predictions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import gen_batches

from skmtl.linear.bayesian._likelihood import Posterior
from skmtl.linear.bayesian._moments import Coordinates

Array = NDArray[Any]

CHUNK = 2**22
"""Numbers of rows looked at together."""


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

    @classmethod
    def of(cls, posterior: Posterior, coordinates: Coordinates, n_left: Array) -> Self:
        """Without what is only needed to find it."""
        moments, variances = posterior.moments, posterior.variances
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
        return self.L @ within + F @ self.C @ F.T

    def variances(self, X: Any, task: int) -> Array:
        """Variance of a new label of every row, of one task."""
        covariance, found = self.covariance(task), np.empty(X.shape[0])
        for some in gen_batches(len(found), max(1, CHUNK // len(self.m))):
            w = self.coordinates.rows(X[some])
            found[some] = ((w @ covariance) * w).sum(axis=1)
        return found + (self.noise[task] if task >= 0 else self.noise.mean())
