"""Squared loss on sufficient statistics: the protocol of `_losses`, without the rows."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.linear.objective._statistics import Statistics

Array = NDArray[Any]


class StatisticsLoss:
    r"""Squared loss through `Statistics`: the cost of a step does not depend on the rows.

    .. math:: F = \tfrac12 \sum_t w_t' G_t w_t - 2 w_t' q_t + r_t + \omega_t m_t^2,
              \quad m_t = b_t + \bar x_t' w_t - \bar y_t

    with centred Gram matrices :math:`G_t` and products :math:`q_t`, or uncentred ones and no
    :math:`m` without an intercept. ``profiled``: b is kept at its optimum, so that m = 0.
    """

    def __init__(self, statistics: Statistics, *, profiled: bool) -> None:
        self.statistics, self.profiled = statistics, profiled

    def at(self, W: Array, b: Array) -> StatisticsPoint:
        return StatisticsPoint(self, W, b)


class StatisticsPoint:
    """`StatisticsLoss` at some coefficients; as it is quadratic, its own dual point too."""

    def __init__(self, loss: StatisticsLoss, W: Array, b: Array) -> None:
        self.loss, self.W, self.b = loss, W, b
        stats = loss.statistics
        self.GW = stats.gram_product(W)
        self.miss = np.zeros_like(b)
        if not loss.profiled:
            self.miss = b + stats.mean_product(W) - stats.y_mean

    @cached_property
    def value(self) -> float:
        stats = self.loss.statistics
        quadratic = (
            np.vdot(self.W, self.GW) - 2 * np.vdot(self.W, stats.cross) + stats.squares.sum()
        )
        return 0.5 * float(quadratic + stats.omega @ self.miss**2)

    @cached_property
    def gradient(self) -> tuple[Array, Array]:
        stats = self.loss.statistics
        gb = stats.omega * self.miss
        return self.GW - stats.cross + stats.means_times(gb), gb

    def hessian(self, dW: Array, db: Array) -> tuple[Array, Array]:
        stats = self.loss.statistics
        if self.loss.profiled:
            return stats.gram_product(dW), np.zeros_like(db)
        gb = stats.omega * (db + stats.mean_product(dW))
        return stats.gram_product(dW) + stats.means_times(gb), gb

    def dual(self, dW: Array, db: Array) -> StatisticsPoint:
        if not (dW.any() or db.any()):
            return self
        return StatisticsPoint(self.loss, self.W - dW, self.b - db)

    @property
    def scale(self) -> float:
        """1: the conjugate is finite."""
        return 1.0

    def conjugate(self, scale: float) -> float:
        # u = c (f - y): sum of s^2 u^2 / (2 c) + s u y, from the same statistics.
        stats = self.loss.statistics
        along_y = float(np.vdot(self.W, stats.cross) - stats.squares.sum())
        along_y += float(stats.omega @ (self.miss * stats.y_mean))
        return scale**2 * self.value + scale * along_y
