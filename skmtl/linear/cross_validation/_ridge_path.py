r"""Quadratic penalties at many alphas from one eigendecomposition of each Gram matrix."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.linear.objective._options import FitOptions
from skmtl.linear.objective._penalty_part import PenaltyPart
from skmtl.linear.objective._statistics import Statistics
from skmtl.linear.objective._task_matrix import TaskMatrix
from skmtl.linear.solvers._normal_equations import least_squares

Array = NDArray[Any]


def is_quadratic(parts: list[PenaltyPart], options: FitOptions) -> bool:
    """Whether the penalty is a quadratic form, and intercepts are free or absent."""
    return (
        len(parts) == 1
        and parts[0].is_quadratic
        and parts[0].has_quadratic
        and not options.positive
        and options.solver in ("auto", "closed_form")
        and not (options.fit_intercept and options.intercept_alpha)
    )


def has_ridge_path(parts: list[PenaltyPart], options: FitOptions) -> bool:
    """Whether `RidgePath` solves it: ridge, distance from the mean, and sums of the two."""
    return is_quadratic(parts, options) and parts[0].Q.dense is None


class RidgePath:
    r"""Closed form of squared loss with a ridge and a penalty on distances from the mean.

    `solvers.closed_form` has the equations. With :math:`G = U \mathrm{diag}(s) U'` every matrix
    in them is diagonal in the basis U, whatever alpha.

    Parameters
    ----------
    statistics : Statistics
        Centred where there are intercepts.
    Q : TaskMatrix
        Penalty for alpha = 1, without a dense part.
    center : bool
        Whether the mean is free.
    """

    def __init__(self, statistics: Statistics, Q: TaskMatrix, *, center: bool) -> None:
        self.statistics = statistics
        self.ridge = 0.0 if center else Q.on_mean
        self.deviation = Q.on_deviation - self.ridge
        values, self.vectors = np.linalg.eigh(statistics.gram)
        self.values = np.where(values > 1e-12 * values[:, -1:], values, 0.0)
        self.rotated = [
            U.T @ statistics.cross[:, tasks]
            for U, tasks in zip(self.vectors, statistics.members, strict=True)
        ]

    def solve(self, alpha: float) -> tuple[Array, Array]:
        """W (p, T) and b (T,)."""
        stats = self.statistics
        D, P = alpha * self.ridge, alpha * self.deviation
        scale = self.values + D + P
        inverse = np.divide(1.0, scale, out=np.zeros_like(scale), where=scale > 0)
        mean = self._mean(D, inverse) if P else None
        W = np.empty_like(stats.cross)
        for U, h, q, tasks in zip(self.vectors, inverse, self.rotated, stats.members, strict=True):
            pulled = q if mean is None else q + P * (U.T @ mean)[:, None]
            W[:, tasks] = U @ (h[:, None] * pulled)
        return W, stats.y_mean - stats.mean_product(W)

    def _mean(self, D: float, inverse: Array) -> Array:
        """Mean m over tasks: (sum of n U h (s + D) U') m = sum of U h U' q, h the inverse."""
        stats = self.statistics
        sums = [q.sum(axis=1) for q in self.rotated]
        right = sum(U @ (h * q) for U, h, q in zip(self.vectors, inverse, sums, strict=True))
        counts = np.bincount(stats.group)
        kept = inverse * (self.values + D)
        if len(counts) == 1:
            # One basis: the system is diagonal too.
            U, h = self.vectors[0], counts[0] * kept[0]
            h = np.divide(1.0, h, out=np.zeros_like(h), where=h > 0)
            return U @ (h * (U.T @ right))
        left = sum(n * (U * h) @ U.T for n, U, h in zip(counts, self.vectors, kept, strict=True))
        return least_squares(left, right)
