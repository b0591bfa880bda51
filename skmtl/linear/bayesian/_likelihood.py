r"""Restricted likelihood of linear models with random coefficients, from sums over rows.

For task t, :math:`y_i = w_i'v_t + e_i` with :math:`v_t \sim N(m, \Sigma)`,
:math:`\Sigma = L L'`, :math:`e_i \sim N(0, \sigma_t^2 / s_i)` and :math:`m \sim N(0, P^{-1})`,
where P is 0 for what has no prior. With :math:`A_t = U_t U_t'` and
:math:`N_t = I + U_t' \Sigma U_t / \sigma_t^2`, no matrix is larger than (d, d):

.. math:: B_t &= U_t N_t^{-1} U_t' / \sigma_t^2, \qquad h_t = U_t N_t^{-1} z_t / \sigma_t^2, \\
    K &= P + \sum_t B_t, \qquad m = K^{-1} \sum_t h_t, \\
    -2 \log L &= \sum_t \bigl[ n_t \log 2 \pi \sigma_t^2 + \log|N_t|
    + (q_t - |z_t|^2 + z_t' N_t^{-1} z_t) / \sigma_t^2 \bigr] + \log|K| - \log|P|_+ - m'Km
    - d_0 \log 2\pi

with the sums of `Moments` and :math:`d_0` coefficients without a prior [1]_ [2]_. With
:math:`k_t = h_t - B_t m`, the slope along :math:`\Sigma` is
:math:`\sum_t (B_t - B_t K^{-1} B_t - k_t k_t')`, that along :math:`\log \sigma_t^2` is

.. math:: n_t - \mathrm{tr}(I - N_t^{-1}) - \mathrm{tr}\,K^{-1}(B_t - B_t \Sigma B_t)
    - \sum_i s_i (y_i - w_i'(m + \Sigma k_t))^2 / \sigma_t^2

References
----------
.. [1] D. A. Harville, "Maximum likelihood approaches to variance component estimation and to
   related problems", Journal of the American Statistical Association 72, 1977.
.. [2] M. J. Lindstrom and D. M. Bates, "Newton-Raphson and EM algorithms for linear mixed-effects
   models for repeated-measures data", Journal of the American Statistical Association 83, 1988.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import gen_batches

from skmtl.linear.bayesian._moments import Moments

Array = NDArray[Any]

LOG_2_PI = float(np.log(2.0 * np.pi))

CHUNK = 2**21
"""Numbers of matrices of tasks worked on at a time: they stay in the cache."""


@dataclass(frozen=True)
class Variances:
    """L (d, k); variance of the noise of every task (n_tasks,); P as a diagonal (d,)."""

    L: Array
    noise: Array
    precision: Array

    @property
    def covariance(self) -> Array:
        """Of the coefficients over tasks, (d, d)."""
        Sigma: Array = self.L @ self.L.T
        return Sigma


@dataclass(frozen=True)
class Units:
    """Tasks with the same rows and noise, for which N, and B, are the same.

    ``group`` and ``noise`` of each, and which belongs to a task.
    """

    group: Array
    noise: Array
    of_task: Array

    @classmethod
    def of(cls, moments: Moments, noise: Array) -> Units:
        if (noise == noise[0]).all():
            n_groups = len(moments.U)
            return cls(np.arange(n_groups), np.full(n_groups, noise[0]), moments.group)
        return cls(moments.group, noise, np.arange(len(noise)))


class Posterior:
    r"""What is known of the coefficients of all tasks, given the variances.

    Attributes
    ----------
    m : ndarray of shape (d,)
        Mean of the coefficients over tasks.
    C : ndarray of shape (d, d)
        Its covariance, :math:`K^{-1}`.
    k : ndarray of shape (n_tasks, d)
        Task t has the coefficients :math:`m + \Sigma k_t`.
    """

    def __init__(self, moments: Moments, variances: Variances) -> None:
        self.moments, self.variances = moments, variances
        L, d = variances.L, len(variances.L)
        units = self.units = Units.of(moments, variances.noise)
        n_units, of_task = len(units.group), units.of_task
        self.counts = np.bincount(of_task, minlength=n_units)
        self.B = np.empty((n_units, d, d))
        self.log_det, self.trace = np.empty((2, n_units))
        h, self.left = np.empty_like(moments.z), np.empty(len(moments.z))
        for some in gen_batches(n_units, max(1, CHUNK // (d * max(L.shape)))):
            U, noise = moments.U[units.group[some]], units.noise[some]
            LU = L.T @ U
            N = np.swapaxes(LU, 1, 2) @ LU / noise[:, None, None]
            N[:, np.arange(d), np.arange(d)] += 1.0
            inverse = np.linalg.inv(N)
            self.log_det[some] = np.linalg.slogdet(N)[1]
            self.trace[some] = np.einsum("uii->u", inverse)
            UN = U @ inverse / noise[:, None, None]
            self.B[some] = UN @ np.swapaxes(U, 1, 2)
            tasks = np.flatnonzero((of_task >= some.start) & (of_task < some.stop))
            at, z = of_task[tasks] - some.start, moments.z[tasks]
            h[tasks] = _apply(UN[at], z)
            self.left[tasks] = (z * _apply(inverse[at], z)).sum(axis=1)
        K = np.tensordot(self.counts, self.B, axes=1) + np.diag(variances.precision)
        values, vectors = np.linalg.eigh(K)
        # What neither labels nor a prior say anything about is 0.
        known = values > len(values) * np.finfo(float).eps * values[-1]
        self.eigenvalues, vectors = values[known], vectors[:, known]
        self.C = (vectors / self.eigenvalues) @ vectors.T
        self.total = h.sum(axis=0)
        self.m = self.C @ self.total
        self.k = h - _apply(self.B[of_task], self.m)

    @property
    def coefficients(self) -> Array:
        """Means of the coefficients of every task, (n_tasks, d)."""
        L = self.variances.L
        return self.m + (self.k @ L) @ L.T

    @property
    def deviance(self) -> float:
        """-2 log of the restricted likelihood."""
        prior = self.variances.precision
        prior = prior[prior > 0]
        n_free = len(self.eigenvalues) - len(prior)
        n, noise = self.moments.n, self.variances.noise
        terms = n @ np.log(noise) + (n.sum() - n_free) * LOG_2_PI + self.counts @ self.log_det
        terms += ((self.moments.rest + self.left) / noise).sum() - self.total @ self.m
        return float(terms + np.log(self.eigenvalues).sum() - np.log(prior).sum())

    @cached_property
    def BCB(self) -> Array:
        """B C B of every unit: what is known less because m is not known."""
        found: Array = self.B @ self.C @ self.B
        return found

    @property
    def of_covariance(self) -> Array:
        """Slope of the deviance along the covariance of coefficients, (d, d)."""
        slope: Array = np.tensordot(self.counts, self.B - self.BCB, axes=1) - self.k.T @ self.k
        return slope

    @property
    def n_left(self) -> Array:
        """Labels of every task less those that coefficients use up: degrees of freedom."""
        used = len(self.m) - self.trace + (self.B * self.C).sum(axis=(1, 2))
        used -= (self.BCB * self.variances.covariance).sum(axis=(1, 2))
        return self.moments.n - used[self.units.of_task]

    def slopes(self) -> tuple[Array, Array, float]:
        """Slopes of the deviance along L, the log noise of tasks, and the log variance of m."""
        of_covariance = self.of_covariance
        of_noise = self.n_left - self.errors / self.variances.noise
        precision = self.variances.precision
        n_prior = np.count_nonzero(precision)
        of_prior = n_prior - precision @ np.diag(self.C) - precision @ self.m**2
        return 2.0 * of_covariance @ self.variances.L, of_noise, float(of_prior)

    @property
    def errors(self) -> Array:
        """Weighted sums of squared residuals of every task."""
        moments = self.moments
        residual = moments.z - _apply(
            np.swapaxes(moments.U, 1, 2)[moments.group], self.coefficients
        )
        return moments.rest + (residual**2).sum(axis=1)


def _apply(matrices: Array, vectors: Array) -> Array:
    """Each matrix times its vector."""
    product: Array = (matrices @ vectors[..., None])[..., 0]
    return product
