r"""Losses with kinks: a few smooth problems, with the certificate of the loss itself.

Every problem has the losses of `objective._smoothing` around the slopes of the last one. That is
the method of multipliers for the residuals: their smoothing :math:`\mu` need not vanish, and each
problem is solved by any solver of smooth losses, to a share of the gap that is left.

References
----------
R. T. Rockafellar, "Augmented Lagrangians and applications of the proximal point algorithm in
convex programming", Mathematics of Operations Research 1, 1976, section 4.
"""

from __future__ import annotations

from copy import copy
from typing import Any

from numpy.typing import NDArray

from skmtl.linear.objective._data_point import DataPoint
from skmtl.linear.objective._losses import DataLoss
from skmtl.linear.objective._problem import Problem
from skmtl.linear.objective._smoothing import CertifyingPoint, smoothed, spreads
from skmtl.linear.objective._variables import Start
from skmtl.linear.solvers._base import Solution, Solver, Stopping

Array = NDArray[Any]

FIRST = 0.25
"""Smoothing of the first problem, over the spread of the labels."""

SMALLER = 0.2
"""Factor on it where a problem has left more than ENOUGH of the gap."""

ENOUGH = 0.1

INNER = 0.1
"""Share of the gap to which a problem is solved."""

LAST = 0.25
"""The same of the gap that is asked for in the end."""

MOST_PROBLEMS = 60


def solve_smoothed(
    solver: Solver,
    problem: Problem,
    start: Start,
    stopping: Stopping,
    slope: Array | None = None,
) -> tuple[Solution, Array | None]:
    """Solve a problem whose loss has kinks by a solver of smooth losses.

    Also the slopes of the loss there. Those of a problem that is alike, as ``slope``, are a good
    start.
    """
    loss = problem.loss
    assert isinstance(loss, DataLoss)
    of_tasks = spreads(loss, loss.at(start.W, start.b).raw)
    n_iter, lower, smoothing = 0, 0.0, FIRST
    # Not as flat vectors: solvers change the scale of the intercepts in them.
    lowest, best = problem.value(problem.start(*start)), start
    gap = lowest
    for _ in range(MOST_PROBLEMS):
        smooth = copy(problem)
        smooth.loss = smoothed(loss, [smoothing * spread for spread in of_tasks], slope)
        max_gap = max(INNER * gap, LAST * stopping.max_gap)
        found = solver.solve(smooth, start, Stopping(max_gap, stopping.max_iter))
        x, n_iter = found.x, n_iter + found.n_iter
        point = smooth.at(x)
        assert isinstance(point, DataPoint)
        primal, bound = problem.gap(x, problem.at(x), CertifyingPoint(loss, point))
        start = Start(*problem.coefficients(x), problem.split(x)[0].copy())
        if primal < lowest:
            lowest, best = primal, start
        lower, last, slope = max(lower, bound), gap, point.slope
        gap = max(lowest - lower, 0.0)
        if gap <= stopping.max_gap or n_iter >= stopping.max_iter:
            break
        smoothing *= SMALLER if gap > ENOUGH * last else 1.0
    return Solution(problem.start(*best), gap, n_iter), slope
