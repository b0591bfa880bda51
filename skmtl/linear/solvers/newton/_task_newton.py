r"""Newton's method for one task with little data: next to nothing between the steps.

The steps are those of `_label_steps`. A matrix is kept as long as that is forecast to be faster
than a new one, and the steps since correct it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

from skmtl.linear.solvers.compiled._losses import loss_conjugate, loss_value
from skmtl.linear.solvers.compiled._small_gram import add_gram
from skmtl.linear.solvers.compiled._walk import (
    AHEAD,
    GRADIENT,
    HERE,
    MEMORY,
    N_VECTORS,
    walk,
)
from skmtl.linear.solvers.newton._factors import cholesky
from skmtl.linear.solvers.newton._label_rows import LabelRows
from skmtl.linear.solvers.newton._score_search import FLAT_ENOUGH, MAX_TRIALS, next_steps

Array = NDArray[Any]

PATIENCE = 8
"""Steps that may bring nothing, before the rest is rounding."""

NEWTON_STEPS, STEPS_PER_UNKNOWN = 2.5, 0.6
"""Steps that are still to go with a new matrix, and what that costs, in steps: more than it takes,
as corrections make the steps ever better. Measured: benchmarks/linear, "glm"."""

FASTEST, SLOWEST = 1e-3, 0.9
"""Factors on the gap per step that a forecast believes in."""

SMALLEST = 1e-300
"""In place of gaps of 0, which have no logarithm."""


class TaskNewton:
    """Steps of one task.

    Parameters
    ----------
    rows : LabelRows
        Data of one task, and what is penalised.
    """

    def __init__(self, rows: LabelRows) -> None:
        q, n = len(rows.ridge), len(rows.X)
        self.rows, self.labels = rows, (rows.y[0], rows.c[0])
        self.loss = int(rows.codes[0]), float(rows.deltas[0])
        self.vectors, self.scores = np.zeros((N_VECTORS + 2 * MEMORY, q)), np.empty((3, n))
        self.inverse, self.shares, self.n_past = np.zeros((q, q)), np.zeros((2, MEMORY)), 0

    def run(self, theta: Array, max_gap: float, max_iter: int) -> tuple[float, int] | None:
        """(gap, steps), with ``theta`` (q,) written over; None where that fails."""
        vectors = self.vectors
        vectors[HERE] = theta
        _, _, expected, bent = self._walk(0.0)
        last, best, n_idle = math.inf, math.inf, 0
        for n_iter in range(max_iter + 1):
            if expected <= max_gap:
                gap = self._gap(bent)
                if gap <= max_gap:
                    theta[:] = vectors[HERE]
                    return gap, max(n_iter, 1)
            n_idle = 0 if max_gap < expected < best else n_idle + 1
            best = min(best, expected)
            if not expected < math.inf or n_idle > PATIENCE:
                return None
            if self._wants_matrix(max_gap, expected, last):
                self._form()
            last, found = expected, self._step()
            if found is None:
                return None
            expected, bent = found
        return None

    def _walk(self, t: float) -> tuple[float, float, float, float]:
        rows = self.rows
        found: tuple[float, float, float, float] = walk(
            rows.X, rows.offset, *self.labels, *self.loss, rows.ridge,
            self.inverse, self.vectors, self.scores, self.shares, self.n_past, t,
        )  # fmt: skip
        return found

    def _step(self) -> tuple[float, float] | None:
        """Go where the objective hardly rises or falls: (gap expected, sum of curvatures)."""
        if self.n_past == MEMORY:
            self.n_past -= 1
            past = self.vectors[N_VECTORS:].reshape(2, MEMORY, -1)
            past[:, :-1], self.shares[0, :-1] = past[:, 1:].copy(), self.shares[0, 1:].copy()
        t, low, high = 1.0, 0.0, math.inf
        start, along, expected, bent = self._walk(t)
        if not start < 0.0:
            return None
        at_low, at_high = start, math.inf
        for _ in range(MAX_TRIALS):
            if abs(along) <= -FLAT_ENOUGH * start:
                self.vectors[HERE] = self.vectors[AHEAD]
                self.n_past += 1
                return expected, bent
            # As the objective is convex, the sign says on which side its minimum is. A loss that
            # overflows is as good as one that rises.
            if along < 0.0:
                low, at_low = t, along
            else:
                high, at_high = t, along
            t = float(next_steps(*np.array([low, high, at_low, at_high, start])))
            _, along, expected, bent = self._walk(t)
        return None

    def _wants_matrix(self, max_gap: float, expected: float, last: float) -> bool:
        """Whether a new matrix is forecast to be faster than steps as the last one."""
        if last == math.inf:
            return True
        rate = min(max(expected / last, FASTEST), SLOWEST)
        to_go = math.log(max(max_gap, SMALLEST) / max(expected, SMALLEST)) / math.log(rate)
        return to_go > NEWTON_STEPS + STEPS_PER_UNKNOWN * len(self.inverse)

    def _form(self) -> None:
        """The inverse of the Hessian."""
        rows, q = self.rows, len(self.inverse)
        H, spare = np.zeros((q, q)), np.ones((4, q))
        add_gram(rows.X, rows.offset, self.scores[2], spare, H)
        H.ravel()[:: q + 1] += rows.ridge
        # The lower half, in columns: the upper one, in rows.
        self.inverse = lapack.dpotri(cholesky(H), lower=1)[0].T
        self.n_past = 0

    def _gap(self, bent: float) -> float:
        r"""Primal value less a dual one, as `LabelRows.gaps`."""
        rows, (raw, slope, bend), x = self.rows, self.scores, self.vectors[HERE]
        W, ridge = x[: len(rows.offset)], rows.ridge[0]
        u = slope if len(W) == len(x) else slope - self.vectors[GRADIENT, -1] / bent * bend
        products = u @ rows.X - u.sum() * rows.offset
        bound = -0.5 / ridge * float(products @ products)
        bound -= loss_conjugate(*self.loss, u, *self.labels)
        primal = 0.5 * ridge * float(W @ W) + loss_value(*self.loss, raw, *self.labels)
        # No loss is negative, nor is a penalty.
        return float(max(primal - max(bound, 0.0), 0.0))
