"""Alternating direction method of multipliers: squared loss, few features, any prox."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.linear.solvers._base import Solution

Array = NDArray[Any]

CHECK_EVERY = 5
RELAXATION = 1.6
"""Over-relaxation; 1.5 to 1.8 are known to help (Boyd et al., section 3.4.3)."""
BALANCE = 4.0
"""Ratio of the residuals at which the step size changes, by its square root."""


def admm(
    problem: Any,
    proxes: Sequence[Callable[[Array, float], Array]],
    x: Array,
    *,
    max_gap: float,
    max_iter: int,
) -> Solution:
    r"""Minimise :math:`F(\sum_k P_k) + \sum_k \Omega_k(P_k)` until the duality gap is small.

    With copies :math:`V_k = P_k`, scaled multipliers :math:`U_k` and :math:`A_k = V_k - U_k`,
    an iteration is

    .. math:: (G_t + \tfrac{\rho}{m} I) w_t = q_t + \tfrac{\rho}{m} \sum_k a_{kt}, \quad
              P_k = A_k + \tfrac1m (W - \sum_l A_l), \quad
              V_k = \mathrm{prox}_{\Omega_k / \rho}(P_k + U_k), \quad U_k += P_k - V_k

    [1]_. The Gram matrices are decomposed once, so that changing :math:`\rho` is free. The
    primal value is taken at V, the dual one from the gradient at W, which is close to feasible.

    Parameters
    ----------
    problem : Problem
        With `StatisticsLoss`, without intercepts of its own.
    proxes : sequence of callables ``prox(V, step)``
        One a part: those of the problem, and the shared part last where it is centred.
    x : ndarray
        Parameters to start from.
    max_gap : float
        Stop at this duality gap.
    max_iter : int
        Largest number of iterations.

    References
    ----------
    .. [1] S. Boyd, N. Parikh, E. Chu, B. Peleato and J. Eckstein, "Distributed optimization and
       statistical learning via the alternating direction method of multipliers", Foundations
       and Trends in Machine Learning 3, 2011, sections 3 and 7.3.
    """
    system = _Eigensystem(problem.loss.statistics)
    n_parts = len(proxes)
    rho = n_parts * system.typical
    V = problem.spread(x)
    # The multipliers of a solution are minus the gradient: a warm start takes few steps.
    W = V.sum(axis=0)
    U = np.zeros_like(V)
    if W.any():
        U -= problem.loss.at(W, np.zeros(W.shape[1])).gradient[0] / rho
    lower, gap = -np.inf, np.inf
    for n_iter in range(1, max_iter + 1):
        A = V - U
        total = A.sum(axis=0)
        W = system.solve(rho / n_parts, total)
        P = A + (W - total) / n_parts
        P_relaxed = RELAXATION * P + (1.0 - RELAXATION) * V
        V_new = np.array(
            [prox(p + u, 1.0 / rho) for prox, p, u in zip(proxes, P_relaxed, U, strict=True)]
        )
        U += P_relaxed - V_new
        primal_residual = np.linalg.norm(P - V_new)
        dual_residual = rho * np.linalg.norm(V_new - V)
        V = V_new
        if n_iter % CHECK_EVERY == 0 or n_iter == max_iter:
            x = problem.gather(V)
            primal, bound = problem.gap(x, dual_point=problem.loss.at(W, np.zeros(W.shape[1])))
            lower = max(lower, bound)
            gap = max(primal - lower, 0.0)
            if gap <= max_gap:
                return Solution(x, gap, n_iter)
            factor = _balance(primal_residual * rho, dual_residual)
            rho, U = rho * factor, U / factor
    return Solution(x, gap, max_iter)


def _balance(primal: Any, dual: Any) -> float:
    """Factor on the step size that brings the two residuals together."""
    if primal > BALANCE * dual:
        return float(np.sqrt(BALANCE))
    return float(1.0 / np.sqrt(BALANCE)) if dual > BALANCE * primal else 1.0


class _Eigensystem:
    r"""Gram matrices :math:`E \Lambda E'`, decomposed once."""

    def __init__(self, statistics: Any) -> None:
        self.statistics = statistics
        self.values, self.vectors = statistics.eigensystem
        positive = self.values[self.values > 1e-10 * self.values.max(initial=0.0)]
        # Between the steep and the flat directions.
        self.typical = float(np.exp(np.log(positive).mean())) if positive.size else 1.0

    def solve(self, rho: float, target: Array) -> Array:
        r""":math:`(G_t + \rho I)^{-1} (q_t + \rho a_t)` for every task."""
        right = self.statistics.cross + rho * target
        if len(self.values) == 1:
            rotated = self.vectors[0].T @ right
            return self.vectors[0] @ (rotated / (self.values[0] + rho)[:, None])
        group = self.statistics.group
        vectors, values = self.vectors[group], self.values[group]
        rotated = np.matmul(vectors.swapaxes(1, 2), right.T[:, :, None])
        solved: Array = np.matmul(vectors, rotated / (values + rho)[:, :, None])[:, :, 0].T
        return solved
