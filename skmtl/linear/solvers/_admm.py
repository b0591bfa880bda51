"""Alternating direction method of multipliers: squared loss, few features, any prox."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.linear.solvers._anderson import Anderson
from skmtl.linear.solvers._base import Solution

Array = NDArray[Any]
Prox = Callable[[Array, float], Array]

CHECK_EVERY = 5
"""Iterations between two evaluations of the gap, each followed by an extrapolation or a change
of the step size."""
RELAXATION = 1.6
"""Over-relaxation; 1.5 to 1.8 are known to help (Boyd et al., section 3.4.3)."""
BALANCE = 2.0
"""Ratio of the residuals up to which the step size stays as it is, at first."""
LARGEST_CHANGE = 10.0
"""Largest factor on the step size at a time."""


def admm(
    problem: Any,
    proxes: Sequence[Prox],
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

    [1]_. The Gram matrices are decomposed once, so that changing :math:`\rho` is free: it
    balances the residuals relative to the size of what they are residuals of [2]_, as the parts
    and their multipliers have scales of their own that alpha sets far apart. While
    :math:`\rho` stays, V + U is the iterate of a nonexpansive map and is extrapolated. The
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
    .. [2] B. Wohlberg, "ADMM penalty parameter selection by residual balancing",
       arXiv:1704.06209, 2017, sections 4 and 5.
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
    iterates, balance = Anderson(V + U), _Balance()
    lower, gap = -np.inf, np.inf
    for n_iter in range(1, max_iter + 1):
        A = V - U
        total = A.sum(axis=0)
        W = system.solve(rho / n_parts, total)
        P = A + (W - total) / n_parts
        step = RELAXATION * (P - V)
        if (back := iterates.undo(step)) is not None:
            V, U = _proximal(proxes, back, rho)
            continue
        Z, before = V + U + step, V
        V, U = _proximal(proxes, Z, rho)
        iterates.remember(Z)
        if n_iter % CHECK_EVERY == 0 or n_iter == max_iter:
            x = problem.gather(V)
            primal, bound = problem.gap(x, dual_point=problem.loss.at(W, np.zeros(W.shape[1])))
            lower = max(lower, bound)
            gap = max(primal - lower, 0.0)
            if gap <= max_gap:
                return Solution(x, gap, n_iter)
            factor = balance.factor(_relative(P - V, V), _relative(V - before, U))
            if factor == 1.0:
                V, U = _proximal(proxes, iterates.extrapolate(), rho)
            else:
                rho, U = rho * factor, U / factor
                iterates = Anderson(V + U)
    return Solution(x, gap, max_iter)


def _proximal(proxes: Sequence[Prox], Z: Array, rho: float) -> tuple[Array, Array]:
    """V = prox(Z) and the scaled multipliers, what it takes from Z."""
    V = np.array([prox(z, 1.0 / rho) for prox, z in zip(proxes, Z, strict=True)])
    return V, Z - V


def _relative(residual: Array, whole: Array) -> float:
    size = np.linalg.norm(whole)
    return float(np.linalg.norm(residual) / size) if size > 0 else 0.0


class _Balance:
    """Brings the two relative residuals together, until it would go round in circles."""

    def __init__(self) -> None:
        self._band, self._latest = BALANCE, 1.0

    def factor(self, primal: float, dual: float) -> float:
        """Factor on the step size."""
        if not (primal > 0 and dual > 0) or 1 / self._band <= primal / dual <= self._band:
            return 1.0
        factor = float(np.clip(np.sqrt(primal / dual), 1 / LARGEST_CHANGE, LARGEST_CHANGE))
        if (factor > 1.0) != (self._latest > 1.0) and self._latest != 1.0:
            # Convergence needs a step size that comes to rest.
            self._band *= 2.0
        self._latest = factor
        return factor


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
