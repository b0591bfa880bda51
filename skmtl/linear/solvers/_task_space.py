r"""Where block descent does its arithmetic if every task has a Gram matrix of its own."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from skmtl.linear.solvers._spaces import Point, Terms
from skmtl.linear.solvers.compiled._task_grams import descend_task_grams, residual_products

Array = NDArray[Any]


class TaskGramSpace:
    """Gram matrices of the tasks: labels that are missing, weights or rows of their own.

    Parameters
    ----------
    statistics : Statistics
        Of the data.
    """

    def __init__(self, statistics: Any) -> None:
        self.grams = np.ascontiguousarray(statistics.gram[statistics.group].transpose(1, 2, 0))
        self.cross = np.ascontiguousarray(statistics.cross)
        self.squares = float(statistics.squares.sum())
        # What bounds how far a row of X'R moves with R.
        self.diagonal = np.einsum("jjt->jt", self.grams).max(axis=1)
        # Tasks with different Gram matrices cannot be rotated, as if Y were of full rank.
        n_features, n_tasks = self.cross.shape
        self.targets = np.broadcast_to(0.0, (max(n_features, n_tasks), n_tasks))

    def rotated(self, basis: Array) -> Self:
        raise TypeError("Tasks with Gram matrices of their own cannot be rotated.")

    def at(self, W: Array) -> Point:
        H = residual_products(self.grams, self.cross, W)
        fit = self.squares - float(np.vdot(W, self.cross))
        return Point(H, fit, max(fit - float(np.vdot(W, H)), 0.0))

    def descend(
        self, W: Array, rows: Array, point: Point, terms: Terms, max_gap: float, max_iter: int
    ) -> int:
        grams, cross, H = self.grams, self.cross, point.H
        if len(rows) < len(grams):
            grams, cross, H = grams[np.ix_(rows, rows)], cross[rows], H[rows]
        return descend_task_grams(grams, cross, H, W, self.squares, *terms, max_gap, max_iter)
