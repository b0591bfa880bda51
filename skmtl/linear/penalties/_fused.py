"""Consecutive tasks that are equal but for a few jumps."""

from __future__ import annotations

import numpy as np

from skmtl.linear.penalties._atoms import NormAtom
from skmtl.linear.penalties._base import Array


class Fused(NormAtom):
    r"""Sum of absolute differences between consecutive tasks: few changes over time.

    .. math:: \Omega(W) = \sum_t \|w_{t+1} - w_t\|_1

    Parameters
    ----------
    weight : float, default=1.0
        Factor on the penalty.

    Notes
    -----
    The prox of a row is the total-variation denoising of it. Its dual, a quadratic program
    with bounds :math:`|u| \le \mathrm{step}` and the tridiagonal matrix of second differences,
    is solved exactly by the primal-dual active set method.

    References
    ----------
    Tibshirani, Saunders, Rosset, Zhu and Knight, "Sparsity and smoothness via the fused lasso",
    JRSS B 67, 2005, eq. 3; Hintermueller, Ito and Kunisch, "The primal-dual active set strategy
    as a semismooth Newton method", SIAM J. Optimization 13, 2003, algorithm 2.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl.linear.penalties import Fused
    >>> Fused().prox(np.array([[0.0, 0.0, 6.0]]), 1.0)
    array([[0.5, 0.5, 5. ]])
    """

    alias = "fused"
    over_tasks = True
    is_shift_invariant = True
    prox_order = 0

    def __init__(self, weight: float = 1.0) -> None:
        self.weight = weight

    def value(self, W: Array) -> float:
        return self.weight * float(np.abs(np.diff(W, axis=1)).sum())

    def prox(self, W: Array, step: float) -> Array:
        n_jumps = W.shape[1] - 1
        bound = step * self.weight
        if n_jumps < 1 or not bound or not len(W):
            return W.copy()
        D = np.diff(np.eye(n_jumps + 1), axis=0)
        A, b = D @ D.T, W @ D.T
        u = np.linalg.solve(A, b.T).T
        upper, lower = u > bound, u < -bound
        for _ in range(10 * n_jumps + 10):
            u = _solve_inactive(A, b, upper, lower, bound)
            slack = b - u @ A
            new_upper = np.where(upper, slack >= 0, u > bound)
            new_lower = np.where(lower, slack <= 0, u < -bound)
            if (new_upper == upper).all() and (new_lower == lower).all():
                break
            upper, lower = new_upper, new_lower
        return W - np.clip(u, -bound, bound) @ D

    def dual_scale(self, Z: Array, alpha: float) -> float:
        """0 where a row of Z does not sum to 0: the penalty says nothing of the mean."""
        if np.abs(Z.sum(axis=1)).max(initial=0.0) > 1e-9 * np.abs(Z).max(initial=1e-300):
            return 0.0
        return super().dual_scale(Z, alpha)

    def alpha_max(self, Z: Array) -> float:
        """None: equal coefficients of all tasks are free."""
        return np.inf

    def dual_norm(self, Z: Array) -> float:
        """Largest partial sum of a row that sums to 0."""
        return float(np.abs(np.cumsum(Z, axis=1)[:, :-1]).max(initial=0.0))


def _solve_inactive(A: Array, b: Array, upper: Array, lower: Array, bound: float) -> Array:
    """Rows u with A u = b where free, and at their bounds elsewhere."""
    active = upper | lower
    system = np.where(active[:, :, None], np.eye(len(A)), A)
    right = np.where(upper, bound, np.where(lower, -bound, b))
    return np.linalg.solve(system, right[:, :, None])[:, :, 0]
