r"""Restricted likelihood of linear models with random coefficients, from sums over rows.

For task t, :math:`y_i = w_i'v_t + e_i` with :math:`v_t \sim N(m, \Sigma)`,
:math:`\Sigma = L L'`, :math:`e_i \sim N(0, \sigma_t^2 / s_i)` and :math:`m \sim N(0, P^{-1})`,
where P is 0 for what has no prior. With :math:`S_t = A_t / \sigma_t^2`,
:math:`g_t = c_t / \sigma_t^2`, :math:`M_t = I + L'S_tL`, no matrix is larger than (d, d):

.. math:: B_t &= S_t - S_t L M_t^{-1} L' S_t, \qquad h_t = g_t - S_t L M_t^{-1} L' g_t, \\
    K &= P + \sum_t B_t, \qquad m = K^{-1} \sum_t h_t, \\
    -2 \log L &= \sum_t \bigl[ n_t \log 2 \pi \sigma_t^2 + \log|M_t|
    + q_t / \sigma_t^2 - g_t' L M_t^{-1} L' g_t \bigr] + \log|K| - \log|P|_+ - m'Km
    - d_0 \log 2\pi

with q the sums of squared labels and :math:`d_0` coefficients without a prior [1]_ [2]_. With
:math:`k_t = h_t - B_t m`, the slope along :math:`\Sigma` is
:math:`\sum_t (B_t - B_t K^{-1} B_t - k_t k_t')`, that along :math:`\log \sigma_t^2` is

.. math:: n_t - \mathrm{tr}(I - M_t^{-1}) - \mathrm{tr}\,K^{-1}(I - S_t L M_t^{-1} L')B_t
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
    """Tasks with the same A over noise, for which M, and B, are the same.

    ``group`` and ``noise`` of each, and which belongs to a task.
    """

    group: Array
    noise: Array
    of_task: Array

    @classmethod
    def of(cls, moments: Moments, noise: Array) -> Units:
        if (noise == noise[0]).all():
            n_groups = len(moments.A)
            return cls(np.arange(n_groups), np.full(n_groups, noise[0]), moments.group)
        return cls(moments.group, noise, np.arange(len(noise)))


class Posterior:
    """What is known of the coefficients of all tasks, given the variances.

    Attributes
    ----------
    m : ndarray of shape (d,)
        Mean of the coefficients over tasks.
    C : ndarray of shape (d, d)
        Its covariance, :math:`K^{-1}`.
    k : ndarray of shape (n_tasks, d)
        Task t has the coefficients :math:`m + \\Sigma k_t`.
    """

    def __init__(self, moments: Moments, variances: Variances) -> None:
        self.moments, self.variances = moments, variances
        L, d = variances.L, len(variances.L)
        units = self.units = Units.of(moments, variances.noise)
        n_units, of_task = len(units.group), units.of_task
        self.B, self.R = np.empty((n_units, d, d)), np.empty((n_units, *L.shape))
        self.log_det, self.trace = np.empty((2, n_units))
        g = moments.c / variances.noise[:, None]
        for some in _chunks(n_units, d * max(L.shape)):
            S = moments.A[units.group[some]] / units.noise[some, None, None]
            SL = S @ L
            M = np.swapaxes(SL, 1, 2) @ L
            M[:, np.arange(L.shape[1]), np.arange(L.shape[1])] += 1.0
            inverse = np.linalg.inv(M)
            self.log_det[some] = np.linalg.slogdet(M)[1]
            self.trace[some] = np.einsum("ukk->u", inverse)
            self.R[some] = R = SL @ inverse
            self.B[some] = S - R @ np.swapaxes(SL, 1, 2)
        Lg = g @ L
        h = g - _apply(self.R[of_task], Lg)
        # M^-1 L'g = L'h, as M = I + L'SL.
        self.quadratic = moments.squares / variances.noise - (Lg * (h @ L)).sum(axis=1)
        self.counts = np.bincount(of_task, minlength=n_units)
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
        terms = n @ np.log(noise) + (n.sum() - n_free) * LOG_2_PI
        terms += self.counts @ self.log_det + self.quadratic.sum() - self.total @ self.m
        return float(terms + np.log(self.eigenvalues).sum() - np.log(prior).sum())

    @cached_property
    def BC(self) -> Array:
        """B C of every unit: by how much m answers to a label."""
        BC: Array = self.B @ self.C
        return BC

    @property
    def of_covariance(self) -> Array:
        """Slope of the deviance along the covariance of coefficients, (d, d)."""
        counted = self.counts[:, None, None] * self.BC
        tried = np.tensordot(counted, self.B, axes=([0, 2], [0, 1]))
        slope: Array = np.tensordot(self.counts, self.B, axes=1) - tried - self.k.T @ self.k
        return slope

    @property
    def n_left(self) -> Array:
        """Labels of every task, less what coefficients fitted to them use up: its residual degrees
        of freedom."""
        used = np.einsum("uii->u", self.BC) + self.R.shape[2] - self.trace
        used -= ((self.BC @ self.R) * self.variances.L).sum(axis=(1, 2))
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
        v, moments = self.coefficients, self.moments
        Av = _apply(moments.A[moments.group], v)
        return np.maximum(moments.squares - 2.0 * (v * moments.c).sum(axis=1) + (v * Av).sum(axis=1), 0.0)


def _chunks(n: int, size: int) -> list[slice]:
    step = max(1, CHUNK // size)
    return [slice(start, start + step) for start in range(0, n, step)]


def _apply(matrices: Array, vectors: Array) -> Array:
    """Each matrix times its vector."""
    product: Array = (matrices @ vectors[..., None])[..., 0]
    return product
