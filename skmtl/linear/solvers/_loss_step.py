"""The step of squared loss in ADMM: Gram matrices decomposed once, for any step size."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class LossStep:
    r"""Minimises the loss, penalties on intercepts, and the distance from given coefficients.

    .. math:: \min_{W, b} \tfrac12 \sum_t \bigl( w_t' G_t w_t - 2 w_t' q_t
              + \omega_t (b_t + \bar x_t' w_t - \bar y_t)^2 + \rho \|w_t - a_t\|^2 \bigr)
              + \tfrac{\iota}{2} \sum_t (b_t - \bar b)^2

    With :math:`H_t = (G_t + \rho I)^{-1}`, :math:`u_t = H_t (q_t + \rho a_t)` and
    :math:`\kappa_t = \bar x_t' H_t \bar x_t`, the solution is

    .. math:: d_t = \bar y_t - \bar x_t' u_t, \quad e_t = \omega_t / (1 + \omega_t \kappa_t),
              \quad b = \mathrm{intercepts}(e, d), \quad
              w_t = u_t + e_t (d_t - b_t) H_t \bar x_t

    and without a penalty on intercepts, when these are at their best, :math:`w_t = u_t`.

    Parameters
    ----------
    statistics : Statistics
        Of the data.
    intercept_alpha : float or None
        :math:`\iota`, positive; None where intercepts are free.
    """

    def __init__(self, statistics: Any, intercept_alpha: float | None) -> None:
        self.statistics, self.intercept_alpha = statistics, intercept_alpha
        self.values, self.vectors = statistics.eigensystem
        self.largest = float(self.values.max(initial=0.0)) or 1.0
        positive = self.values[self.values > 1e-10 * self.largest]
        # Between the steep and the flat directions.
        self.typical = float(np.exp(np.log(positive).mean())) if positive.size else 1.0
        self._rho: float | None = None

    def solve(self, rho: float, target: Array) -> tuple[Array, Array]:
        """W (p, T) and b (T,) for coefficients a = ``target``."""
        stats = self.statistics
        u = self._inverse(rho, stats.cross + rho * target)
        if self.intercept_alpha is None:
            return u, np.zeros(u.shape[1])
        along = self._along_means(rho)
        d = stats.intercepts(u)
        e = stats.omega / (1.0 + stats.omega * stats.mean_product(along))
        b = self._shrunk(e, d)
        return u + e * (d - b) * along, b

    def intercepts(self, W: Array) -> Array:
        """The best b for W."""
        stats = self.statistics
        if self.intercept_alpha is None:
            return np.zeros(W.shape[1])
        return self._shrunk(stats.omega, stats.intercepts(W))

    def _shrunk(self, e: Array, d: Array) -> Array:
        r"""Minimiser of :math:`\sum_t e_t (b_t - d_t)^2 + \iota (b_t - \bar b)^2`."""
        assert self.intercept_alpha is not None
        pull = e / (1.0 + e / self.intercept_alpha)
        mean = pull @ d / pull.sum()
        b: Array = mean + (d - mean) * pull / self.intercept_alpha
        return b

    def _along_means(self, rho: float) -> Array:
        r""":math:`H_t \bar x_t` of every task, kept while rho stays."""
        if rho != self._rho:
            means = self.statistics.means_times(np.ones(len(self.statistics.omega)))
            self._rho, self._along = rho, self._inverse(rho, means)
        return self._along

    def _inverse(self, rho: float, right: Array) -> Array:
        """(G + rho I)^-1 times the column of every task."""
        if len(self.values) == 1:
            rotated = self.vectors[0].T @ right
            return self.vectors[0] @ (rotated / (self.values[0] + rho)[:, None])
        group = self.statistics.group
        vectors, values = self.vectors[group], self.values[group]
        rotated = np.matmul(vectors.swapaxes(1, 2), right.T[:, :, None])
        solved: Array = np.matmul(vectors, rotated / (values + rho)[:, :, None])[:, :, 0].T
        return solved
