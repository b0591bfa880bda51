r"""Squared loss with a ridge, over coefficients of at most a given rank.

With :math:`H_t = G_t + \alpha I` from the Gram matrices of `Statistics` and products q, and
:math:`W = A B'` of rank r, the objective is up to a constant

.. math:: F(A, B) = \sum_t \tfrac12 b_t' A' H_t A b_t - b_t' A' q_t .

In one of the factors it is quadratic, so that each can be minimised exactly while the other
is held: F never increases. It is not convex in both; the start is what matters. That start is
the solution as if all tasks had the mean :math:`\bar H` of the :math:`H_t`: with ridge
coefficients R and :math:`S D V'` the singular value decomposition of
:math:`\bar H^{1/2} R \, \mathrm{diag}(\omega)^{1/2}`, A spans the columns of
:math:`R \, \mathrm{diag}(\omega)^{1/2} V_r`. If indeed all :math:`H_t` are equal, this A with its
best B is the global minimum (Eckart and Young, Psychometrika 1, 1936).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.linear.objective._conjugate_gradients import conjugate_gradients
from skmtl.linear.objective._statistics import Statistics

Array = NDArray[Any]

SINGULAR = 1e-12
"""Eigenvalues below this share of the largest count as 0."""


@dataclass(frozen=True)
class LowRank:
    """Coefficients W (p, T) = A B' as `reduced_rank` returns them.

    ``components`` A' (r, p), ``loadings`` B (T, r) with orthonormal columns, ``objective``
    after each iteration, and the last ``decrease`` of it (0 for a closed form).
    """

    W: Array
    components: Array
    loadings: Array
    objective: Array
    decrease: float


def reduced_rank(
    statistics: Statistics,
    ridge: Array,
    rank: int,
    alpha: float,
    *,
    max_decrease: float,
    max_iter: int,
) -> LowRank:
    """Minimise until an iteration decreases the objective by at most ``max_decrease``.

    ``ridge`` (p, T) are the coefficients without a bound on the rank.
    """
    problem = _Problem(statistics, alpha)
    if rank >= min(ridge.shape):
        return problem.in_canonical_form(ridge, rank, [problem.value(ridge)], 0.0)
    A = problem.leading_directions(ridge, rank)
    B = problem.best_loadings(A)
    objective, decrease = [problem.value(A @ B.T)], 0.0
    if problem.has_one_curvature:
        return problem.in_canonical_form(A @ B.T, rank, objective, decrease)
    best, decrease = A @ B.T, np.inf
    while len(objective) < max_iter and decrease > max_decrease:
        B, mix = np.linalg.qr(B)
        A, _ = np.linalg.qr(problem.best_components(A @ mix.T, B))
        B = problem.best_loadings(A)
        value = problem.value(A @ B.T)
        decrease = max(objective[-1] - value, 0.0)
        if value <= objective[-1]:  # Else rounding is all that is left to gain.
            best = A @ B.T
        objective.append(min(value, objective[-1]))
    return problem.in_canonical_form(best, rank, objective, decrease)


class _Problem:
    """The objective, and its exact minimisation over each of the factors."""

    def __init__(self, statistics: Statistics, alpha: float) -> None:
        self.stats, self.alpha = statistics, alpha
        n_members = np.bincount(statistics.group)
        mean = np.tensordot(n_members, statistics.gram, axes=1) / n_members.sum()
        values, self.vectors = np.linalg.eigh(mean + alpha * np.eye(len(mean)))
        used = values > SINGULAR * values[-1]
        self.values = np.where(used, values, 0.0)
        self.inverse = np.divide(1.0, values, out=np.zeros_like(values), where=used)

    @property
    def has_one_curvature(self) -> bool:
        """Whether all tasks have the same rows and weights, so that one step is the optimum."""
        return len(self.stats.gram) == 1

    def value(self, W: Array) -> float:
        """Loss at the best intercepts, and ridge."""
        stats = self.stats
        quadratic = np.vdot(W, stats.gram_product(W)) - 2 * np.vdot(W, stats.cross)
        return 0.5 * float(quadratic + stats.squares.sum() + self.alpha * np.vdot(W, W))

    def leading_directions(self, ridge: Array, rank: int) -> Array:
        """Orthonormal A (p, r) to start from."""
        scaled = ridge * np.sqrt(self.stats.omega)
        A, _ = np.linalg.qr(scaled @ self._right_vectors(scaled, rank))
        return np.asarray(A)

    def best_loadings(self, A: Array) -> Array:
        r""":math:`b_t = (A' H_t A)^{-1} A' q_t`; minimum norm where that is singular."""
        inner = A.T @ (self.stats.gram @ A) + self.alpha * (A.T @ A)
        inverse = np.linalg.pinv(inner, rcond=SINGULAR, hermitian=True)
        B: Array = np.einsum("tkl,lt->tk", inverse[self.stats.group], A.T @ self.stats.cross)
        return B

    def best_components(self, A: Array, B: Array) -> Array:
        r"""Solve :math:`\sum_t H_t A b_t b_t' = \sum_t q_t b_t'` from A, for orthonormal B.

        Conjugate gradients, preconditioned by :math:`\bar H^{-1}`: with equal designs that is
        the solution, so that few steps are needed; and every step decreases the objective.
        """
        target = self.stats.cross @ B
        residual = target - self._curvature(A, B)
        first, whole = (float(np.vdot(R, self._precondition(R))) for R in (residual, target))
        return conjugate_gradients(
            lambda direction: self._curvature(direction, B),
            residual,
            A,
            target=max(1e-12 * first, 1e-28 * whole),
            max_iter=500,
            precondition=self._precondition,
            in_energy=True,
        )[0]

    def _curvature(self, A: Array, B: Array) -> Array:
        return np.asarray(self.stats.gram_product(A @ B.T) @ B + self.alpha * A)

    def _precondition(self, R: Array) -> Array:
        return np.asarray(self.vectors @ (self.inverse[:, None] * (self.vectors.T @ R)))

    def _right_vectors(self, W: Array, rank: int) -> Array:
        r"""Leading right singular vectors (T, r) of :math:`\bar H^{1/2} W`."""
        root = np.sqrt(self.values)[:, None] * (self.vectors.T @ W)
        V: Array = np.linalg.svd(root, full_matrices=False)[2][:rank].T
        return V

    def in_canonical_form(
        self, W: Array, rank: int, objective: list[float], decrease: float
    ) -> LowRank:
        """Orthonormal loadings, ordered by their share in the fitted values."""
        loadings = self._right_vectors(W, rank)
        largest = np.abs(loadings).argmax(axis=0)
        # The sign of a component is free: its largest loading is positive.
        loadings = loadings * np.where(loadings[largest, range(rank)] < 0, -1.0, 1.0)
        return LowRank(W, (W @ loadings).T, loadings, np.array(objective), decrease)
