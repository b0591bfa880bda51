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

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import gen_batches

from skmtl.linear.bayesian._moments import Moments
from skmtl.linear.bayesian._structures import Spectral

Array = NDArray[Any]

LOG_2_PI = float(np.log(2.0 * np.pi))

CHUNK = 2**21
"""Numbers of matrices of tasks worked on at a time: they stay in the cache."""

MOST_KEPT = 2**22
"""Numbers of the matrices B that are kept; more are made twice, in the memory of a chunk."""


@dataclass(frozen=True)
class Variances:
    """L (d, k); variance of the noise of every task (n_tasks,); P as a diagonal (d,).

    Where P is infinite m is 0. ``spectral`` is the same covariance as L, where it is such.
    """

    L: Array
    noise: Array
    precision: Array
    spectral: Spectral | None = None

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
        d, n_ranks = moments.U.shape[1:]
        units = self.units = Units.of(moments, variances.noise)
        n_units = len(units.group)
        self.counts = np.bincount(units.of_task, minlength=n_units).astype(np.float64)
        self.order = np.argsort(units.of_task, kind="stable")
        self.ends = np.r_[0, np.cumsum(self.counts)].astype(np.intp)
        self.chunks = list(gen_batches(n_units, max(1, CHUNK // (d * max(d, n_ranks)))))
        self.kept: list[Array] | None = [] if n_units * d * d <= MOST_KEPT else None
        self.log_det, self.left = np.empty(n_units), np.empty(len(moments.z))
        self.total_B, self.h = np.zeros((d, d)), np.empty((len(moments.z), d))
        for some in self.chunks:
            U, noise = moments.U[units.group[some]], units.noise[some]
            inverse, self.log_det[some] = self._inverse(U, noise)
            UN = U @ inverse / noise[:, None, None]
            B = UN @ np.swapaxes(U, 1, 2)
            tasks, at = self._tasks(some)
            self.h[tasks] = _apply(UN[at], moments.z[tasks])
            self.left[tasks] = (moments.z[tasks] * _apply(inverse[at], moments.z[tasks])).sum(1)
            self.total_B += np.tensordot(self.counts[some], B, axes=1)
            if self.kept is not None:
                self.kept.append(B)
        self._set_mean()
        self.k = self.h
        for some, B in self._blocks():
            tasks, at = self._tasks(some)
            self.k[tasks] -= (B @ self.m)[at]

    def _inverse(self, U: Array, noise: Array) -> tuple[Array, Array]:
        r"""Inverse of every N, and the logarithm of its determinant.

        Of a covariance :math:`\lambda I + QJQ'` by the matrix inversion lemma: U'U is diagonal.
        """
        spectral, n_ranks = self.variances.spectral, U.shape[2]
        if spectral is None:
            LU = self.variances.L.T @ U
            N = np.swapaxes(LU, 1, 2) @ LU / noise[:, None, None]
            N[:, np.arange(n_ranks), np.arange(n_ranks)] += 1.0
            return np.linalg.inv(N), 2.0 * np.log(_diagonals(np.linalg.cholesky(N))).sum(axis=1)
        diagonal = 1.0 + spectral.scale * (U**2).sum(axis=1) / noise[:, None]
        QU = spectral.Q.T @ U
        QUD = QU / diagonal[:, None, :]
        JQUD = spectral.J[:, None] * QUD / noise[:, None, None]
        small = np.eye(len(spectral.J)) + JQUD @ np.swapaxes(QU, 1, 2)
        inverse = -np.swapaxes(QUD, 1, 2) @ np.linalg.solve(small, JQUD)
        inverse[:, np.arange(n_ranks), np.arange(n_ranks)] += 1.0 / diagonal
        return inverse, np.log(diagonal).sum(axis=1) + np.linalg.slogdet(small)[1]

    def _tasks(self, units: slice) -> tuple[Array, Array]:
        """Tasks of some units, and the place of the unit of each."""
        tasks = self.order[self.ends[units.start] : self.ends[units.stop]]
        return tasks, self.units.of_task[tasks] - units.start

    def _blocks(self) -> Iterator[tuple[slice, Array]]:
        """The B of all units, some at a time."""
        if self.kept is not None:
            yield from zip(self.chunks, self.kept, strict=True)
            return
        for some in self.chunks:
            U, noise = self.moments.U[self.units.group[some]], self.units.noise[some]
            yield some, U @ self._inverse(U, noise)[0] @ np.swapaxes(U, 1, 2) / noise[:, None, None]

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
        for some, B in self._blocks():
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
        for some, B in self._blocks():
            BL = (B.reshape(-1, len(L)) @ L).reshape(len(B), *L.shape)
            along = self.counts[some, None] * np.einsum("uik,ik->uk", BL, L)
            found += np.einsum("ui,uk->ik", _diagonals(B), along)
            found += np.einsum("u,uik->ik", self.counts[some], BL**2)
        return 2.0 * (found + np.abs(np.diag(self.of_covariance))[:, None])

    def squares_along(self, F: Array) -> Array:
        """Sums over tasks of the squares of f'Bf, for every column f of F."""
        found = np.zeros(F.shape[1])
        for some, B in self._blocks():
            BF = (B.reshape(-1, len(F)) @ F).reshape(len(B), *F.shape)
            found += self.counts[some] @ np.einsum("uik,ik->uk", BF, F) ** 2
        return found

    @cached_property
    def curvature_of_covariance(self) -> Array:
        """About that of the deviance along every number of the covariance, (d, d)."""
        found = np.zeros_like(self.C)
        for some, B in self._blocks():
            diagonals = _diagonals(B)
            found += (self.counts[some, None] * diagonals).T @ diagonals
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
        used = np.empty(len(self.units.group))
        for some, B in self._blocks():
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


def _diagonals(matrices: Array) -> Array:
    found: Array = np.einsum("uii->ui", matrices)
    return found


def _apply(matrices: Array, vectors: Array) -> Array:
    """Each matrix times its vector."""
    product: Array = (matrices @ vectors[..., None])[..., 0]
    return product
