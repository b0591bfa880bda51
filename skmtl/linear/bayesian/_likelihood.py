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

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.linear.bayesian._moments import Moments
from skmtl.linear.bayesian._units import Units, Variances, diagonals

Array = NDArray[Any]

LOG_2_PI = float(np.log(2.0 * np.pi))


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
        d, n_tasks = moments.U.shape[1], len(moments.z)
        self.units = Units(moments, variances)
        self.counts = self.units.counts
        self.log_det, self.left = np.empty(len(self.counts)), np.empty(n_tasks)
        self.total_B, self.h = np.zeros((d, d)), np.empty((n_tasks, d))
        for some, inverse, log_det, UN, B in self.units.first():
            self.log_det[some] = log_det
            tasks, at = self.units.tasks(some)
            self.h[tasks] = _apply(UN[at], moments.z[tasks])
            self.left[tasks] = (moments.z[tasks] * _apply(inverse[at], moments.z[tasks])).sum(1)
            self.total_B += np.tensordot(self.counts[some], B, axes=1)
        self._set_mean()
        self.k = self.h
        for some, B in self.units:
            tasks, at = self.units.tasks(some)
            self.k[tasks] -= (B @ self.m)[at]

    def _set_mean(self) -> None:
        """Set m and its covariance C, with the eigenvalues of K."""
        precision = self.variances.precision
        free = np.flatnonzero(np.isfinite(precision))
        K = self.total_B[np.ix_(free, free)] + np.diag(precision[free])
        values, vectors = np.linalg.eigh(K)
        # What neither labels nor a prior say anything about is 0.
        known = values > len(values) * np.finfo(float).eps * values.max(initial=0.0)
        self.eigenvalues, vectors = values[known], vectors[:, known]
        # C = R R'.
        self.root = np.zeros((len(precision), len(self.eigenvalues)))
        self.root[free] = vectors / np.sqrt(self.eigenvalues)
        self.C, self.total = self.root @ self.root.T, self.h.sum(axis=0)
        self.m = self.C @ self.total

    @property
    def coefficients(self) -> Array:
        """Means of the coefficients of every task, (n_tasks, d)."""
        L = self.variances.L
        return self.m + (self.k @ L) @ L.T

    @property
    def deviance(self) -> float:
        """-2 log of the restricted likelihood."""
        prior = self.variances.precision
        prior = prior[(prior > 0) & np.isfinite(prior)]
        n_free = len(self.eigenvalues) - len(prior)
        n, noise = self.moments.n, self.variances.noise
        terms = n @ np.log(noise) + (n.sum() - n_free) * LOG_2_PI + self.counts @ self.log_det
        terms += ((self.moments.rest + self.left) / noise).sum() - self.total @ self.m
        terms += np.log(self.eigenvalues).sum() - np.log(prior).sum()
        return float(terms + self.moments.constant)

    @cached_property
    def total_BCB(self) -> Array:
        """Sum of B C B over tasks: what is known less because m is not known."""
        found, d = np.zeros_like(self.C), len(self.C)
        for some, B in self.units:
            RB = self.root.T @ B
            if (self.counts[some] != 1.0).any():
                RB *= np.sqrt(self.counts[some])[:, None, None]
            RB = RB.reshape(-1, d)
            found += RB.T @ RB
        return found

    @property
    def curvatures(self) -> Array:
        """About those of the deviance along every number of L, above 0."""
        L = self.variances.L
        found = np.zeros_like(L)
        for some, B in self.units:
            BL = (B.reshape(-1, len(L)) @ L).reshape(len(B), *L.shape)
            along = self.counts[some, None] * np.einsum("uik,ik->uk", BL, L)
            found += np.einsum("ui,uk->ik", diagonals(B), along)
            found += np.einsum("u,uik->ik", self.counts[some], BL**2)
        return 2.0 * (found + np.abs(np.diag(self.of_covariance))[:, None])

    def squares_along(self, F: Array) -> Array:
        """Sums over tasks of the squares of f'Bf, for every column f of F."""
        found = np.zeros(F.shape[1])
        for some, B in self.units:
            BF = (B.reshape(-1, len(F)) @ F).reshape(len(B), *F.shape)
            found += self.counts[some] @ np.einsum("uik,ik->uk", BF, F) ** 2
        return found

    @cached_property
    def curvature_of_covariance(self) -> Array:
        """About that of the deviance along every number of the covariance, (d, d)."""
        found = np.zeros_like(self.C)
        for some, B in self.units:
            diagonal = diagonals(B)
            found += (self.counts[some, None] * diagonal).T @ diagonal
        return found

    @cached_property
    def of_covariance(self) -> Array:
        """Slope of the deviance along the covariance of coefficients, (d, d)."""
        slope: Array = self.total_B - self.total_BCB - self.k.T @ self.k
        return slope

    @property
    def n_left(self) -> Array:
        """Labels of every task less those that coefficients use up: degrees of freedom."""
        Sigma, C = self.variances.covariance, self.C
        used = np.empty(len(self.counts))
        for some, B in self.units:
            BC, BS = B @ C, B @ Sigma
            used[some] = (B * (C + Sigma)).sum(axis=(1, 2))
            used[some] -= (BC * np.swapaxes(BS, 1, 2)).sum(axis=(1, 2))
        return self.moments.n - used[self.units.of_task]

    @property
    def total_left(self) -> float:
        """The same of all tasks together."""
        Sigma = self.variances.covariance
        used = (self.total_B * (self.C + Sigma)).sum() - (self.total_BCB * Sigma).sum()
        return float(self.moments.n.sum() - used)

    def slopes(self, *, one_noise: bool) -> tuple[Array, Array, float]:
        """Slopes of the deviance along L, the log noise of tasks, and the log variance of m."""
        noise, precision = self.variances.noise, self.variances.precision
        if one_noise:
            of_noise = np.array([self.total_left - self.errors.sum() / noise[0]])
        else:
            of_noise = self.n_left - self.errors / noise
        precision = np.where(np.isfinite(precision), precision, 0.0)
        n_prior = np.count_nonzero(precision)
        of_prior = n_prior - precision @ np.diag(self.C) - precision @ self.m**2
        return 2.0 * self.of_covariance @ self.variances.L, of_noise, float(of_prior)

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
