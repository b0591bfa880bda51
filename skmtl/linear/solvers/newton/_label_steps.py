r"""Newton's method for tasks by themselves, with little between its steps.

A step reads X once. As in `skmtl.linear.solvers._newton`, a matrix is kept as long as that is
forecast to be cheaper than a new one, and the steps since correct it. Where rows are many, the
first steps look at some of them alone, those of a rough matrix, until they are as close to the
optimum as other rows would have led to another one [1]_.

References
----------
.. [1] R. Byrd, G. Chin, J. Nocedal and Y. Wu, "Sample size selection in optimization methods for
   machine learning", Mathematical Programming 134, 2012, section 3.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.linear.solvers.newton._factors import Factors
from skmtl.linear.solvers.newton._hessian_choice import (
    DIAGONAL,
    EXACT,
    KEEP,
    SOME_ROWS,
    HessianChoice,
)
from skmtl.linear.solvers.newton._hessians import Hessians, shrink
from skmtl.linear.solvers.newton._label_rows import LabelPoint, LabelRows
from skmtl.linear.solvers.newton._score_search import FLAT_ENOUGH, MAX_TRIALS, next_steps

Array = NDArray[Any]

MANY_ROWS = 4
"""Times the rows of a rough matrix, from which on the first steps take only these."""

NEAR = 4.0
"""Times what is left that a step is taken at last: it leaves a tenth of that, about."""

FIRST_STEPS = 6
"""Steps that look at some rows alone, at most."""

MEMORY, PATIENCE = 8, 8
"""Steps that correct a matrix; steps that may bring nothing, before the rest is rounding."""


class LabelSteps:
    """Steps of tasks that are taken at a time.

    Parameters
    ----------
    rows : LabelRows
        Data and what is penalised.
    choice : HessianChoice
        Which matrix a step takes.
    """

    def __init__(self, rows: LabelRows, choice: HessianChoice) -> None:
        self.rows, self.choice = rows, choice
        choice.costs.pop(DIAGONAL, None)
        self.factors: Factors
        self.formed = np.arange(0)
        self.past: list[tuple[Array, Array, Array]] = []

    @cached_property
    def some(self) -> LabelRows:
        """The rows of a rough matrix."""
        return self.rows.of_rows(self.choice.row_step)

    def run(self, theta: Array, max_gap: float, max_iter: int) -> tuple[Array, float, int] | None:
        """(theta, sum of gaps, steps), each gap at most ``max_gap``; None where that fails."""
        rows, tasks = self.rows, np.arange(len(theta))
        is_near = self.choice.row_step >= MANY_ROWS
        if is_near:
            theta = self._of_some_rows(theta, tasks)
        point, spare = rows.empty(), rows.empty()
        rows.evaluate(theta, tasks, point)
        certified, best, n_idle = 0.0, np.inf, 0
        for n_iter in range(max_iter + 1):
            expected = rows.expected_gaps(point, tasks)
            n_close = int((expected <= max_gap).sum())
            if n_close:
                left, gap = self._certify(theta, tasks, point, expected, max_gap)
                tasks, expected, certified = tasks[left], expected[left], certified + gap
                if not len(tasks):
                    return theta, certified, max(n_iter, 1)
            total = float(expected.sum())
            n_idle = 0 if total < best and n_close < len(expected) else n_idle + 1
            best = min(best, total)
            if not total < np.inf or n_idle > PATIENCE:
                return None
            if is_near and n_iter == 0:
                # The matrix is there: it is as good as it is on any rows.
                self.choice.last = total / SOME_ROWS[0]
            self._choose(max_gap * len(tasks), total, point, tasks)
            ahead = self._step(rows, theta, tasks, point, spare)
            if ahead is None:
                return None
            theta, point, spare = ahead, spare, point
        return None

    def _certify(
        self, theta: Array, tasks: Array, point: LabelPoint, expected: Array, max_gap: float
    ) -> tuple[Array, float]:
        """Mask of the tasks without a certificate, and the sum of the gaps of the others."""
        left = expected > max_gap
        gaps = self.rows.gaps(theta, tasks[~left], point)
        left[~left] = ~(gaps <= max_gap)
        return left, float(gaps[gaps <= max_gap].sum())

    def _of_some_rows(self, theta: Array, tasks: Array) -> Array:
        """Steps that look at some rows alone.

        They end where the decrement :math:`g'H^{-1}g` is as large as rows that are drawn make it
        by themselves at the optimum of others: about q times the weight of one of them.
        """
        rows, choice = self.some, self.choice
        point, spare = rows.empty(), rows.empty()
        rows.evaluate(theta, tasks, point)
        self._form(rows, point.bend, tasks)
        noise = NEAR * theta.shape[1] * rows.c.mean(axis=1)
        for _ in range(FIRST_STEPS):
            ahead = self._step(rows, theta, tasks, point, spare)
            if ahead is None:
                break
            step, theta, point, spare = ahead - theta, ahead, spare, point
            if (-_products(step, spare.gradient) <= noise).all():
                break
        choice.n_since = len(self.past)
        return theta

    def _choose(self, max_gap: float, expected: float, point: LabelPoint, tasks: Array) -> None:
        """Form a new matrix of these tasks where that is forecast to be worth it."""
        way = self.choice(max_gap, expected)
        if way == EXACT:
            self._form(self.rows, point.bend[tasks], tasks)
        elif way != KEEP:
            step = self.choice.row_step
            self._form(self.some, step * point.bend[tasks, ::step], tasks)

    def _form(self, rows: LabelRows, bend: Array, tasks: Array) -> None:
        H = rows.hessians(bend)
        if rows is not self.rows:
            stack = Hessians(np.arange(len(H))[:, None], H)
            shrink([stack], len(rows.X), len(self.rows.X))
        self.factors, self.formed = Factors(H), tasks
        self.past.clear()

    def _step(
        self, rows: LabelRows, theta: Array, tasks: Array, point: LabelPoint, found: LabelPoint
    ) -> Array | None:
        """Coefficients along d where objectives hardly rise or fall; writes the point there.

        As they are convex, the signs of their derivatives say on which side the minimum is. None
        where there are no such coefficients.
        """
        d = self._direction(point.gradient)
        start = _products(point.gradient, d)
        if not (start[tasks] < 0.0).all():
            return None
        ahead, pending = theta + d, tasks
        rows.evaluate(ahead, tasks, found)
        slope = _products(found.gradient, d)
        flat_enough = -FLAT_ENOUGH * start
        if not (np.abs(slope) <= flat_enough)[tasks].all():
            t, low, high = np.ones_like(start), np.zeros_like(start), np.full_like(start, np.inf)
            at_low, at_high = start.copy(), high.copy()
            for _ in range(MAX_TRIALS):
                pending = pending[~(np.abs(slope) <= flat_enough)[pending]]
                if not len(pending):
                    break
                # A loss that overflows is as good as one that rises.
                down, up = pending[slope[pending] < 0.0], pending[~(slope[pending] < 0.0)]
                low[down], at_low[down] = t[down], slope[down]
                high[up], at_high[up] = t[up], slope[up]
                t[pending] = next_steps(low, high, at_low, at_high, start)[pending]
                ahead[pending] = theta[pending] + t[pending, None] * d[pending]
                rows.evaluate(ahead, pending, found)
                slope = _products(found.gradient, d)
            else:
                return None
        if len(tasks) < len(theta):
            done = np.ones(len(theta), dtype=bool)
            done[tasks] = False
            ahead[done], found.gradient[done] = theta[done], point.gradient[done]
        step, change = ahead - theta, found.gradient - point.gradient
        bent = _products(step, change)
        inverse = np.divide(1.0, bent, out=np.zeros_like(bent), where=bent > 0.0)
        self.past = [*self.past[1 - MEMORY :], (step, change, inverse[:, None])]
        return ahead

    def _direction(self, g: Array) -> Array:
        """Minus the inverse of the matrix times g, corrected by the last steps (`_secants`)."""
        d, shares = -g, []
        for step, change, inverse in reversed(self.past):
            shares.append(inverse * _products(step, d)[:, None])
            d -= shares[-1] * change
        if len(self.formed) == len(d):
            d = self.factors.solve(d)
        else:
            own, d = d[self.formed], np.zeros_like(d)
            d[self.formed] = self.factors.solve(own)
        for (step, change, inverse), share in zip(self.past, reversed(shares), strict=True):
            d += (share - inverse * _products(change, d)[:, None]) * step
        return d


def _products(A: Array, B: Array) -> Array:
    """Inner products (n_tasks,) of rows."""
    return np.vecdot(A, B)
