"""Quadratic models of a loss, minimised on Gram matrices: few features, any prox."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skmtl.linear.objective._data_point import DataPoint
from skmtl.linear.objective._losses import Point
from skmtl.linear.objective._problem import Intercept, Problem
from skmtl.linear.objective._quadratic_model import QuadraticModel
from skmtl.linear.objective._statistics import MAX_GRAM_BYTES, Statistics
from skmtl.linear.objective._statistics_loss import StatisticsLoss
from skmtl.linear.objective._variables import Start
from skmtl.linear.solvers._admm import Splitting, splitting
from skmtl.linear.solvers._base import Case, Solution, Solver, Stopping
from skmtl.linear.solvers._needs import FEW_FEATURES
from skmtl.linear.solvers._proximal_gradient import ProximalGradient, proximal_gradient
from skmtl.linear.solvers.streams._stream_loss import StreamPoint

Array = NDArray[Any]

STEPS_PER_FEATURE = 0.5
"""Proximal steps that take as long as a model, relative to the number of features: a step takes
4 p products for a label, a model p^2, and the eigenvectors."""

ACCURACY = 0.1
"""Gap of a model's solution, relative to how far the model falls to it."""

RESERVE = 0.3
"""Share of the gap asked for that the solution of a model may keep."""

DESCENT = 1e-4
"""Share of the decrease expected that a step has to bring (Nocedal and Wright, "Numerical
optimization", 2nd ed., 2006, section 3.1)."""

HALVINGS = 30
"""Of a step, until it is given up."""


IDLE = 1e-3
"""Share of the gap asked for below which what a step promises is nothing."""

LONGEST = 500
"""Iterations for a model, before the loss is looked at again."""

ROUNDING = 1e-14
"""Gap of a model, relative to the objective, that is rounding."""


class QuadraticModels(Solver):
    """Losses that are not squared, few features, any penalty with a prox.

    Proximal gradient goes first, for about the time that one model takes: where that is enough,
    no model is faster. Tasks with several outputs are left to it. A bound on their curvature that
    is separate for the outputs needs more models than it saves steps.
    """

    name = "quadratic_models"

    def lacks(self, case: Case) -> str | None:
        n_features, n_outputs = case.parts[0].shape
        if case.tasks.has_squared_loss:
            return "a loss that is not squared"
        if n_outputs > case.tasks.n_tasks:
            return "tasks with one output each, but some have several classes"
        if n_features > FEW_FEATURES:
            return f"at most {FEW_FEATURES} features, but got {n_features}"
        if 8 * n_outputs * n_features**2 > MAX_GRAM_BYTES:
            return f"Gram matrices of at most {MAX_GRAM_BYTES / 2**30:g} GiB"
        return None

    def solve(self, problem: Problem, start: Start, stopping: Stopping) -> Solution:
        n_steps = min(1 + int(STEPS_PER_FEATURE * problem.shape[0]), stopping.max_iter)
        found = ProximalGradient().solve(problem, start, Stopping(stopping.max_gap, n_steps))
        if found.gap <= stopping.max_gap or found.n_iter >= stopping.max_iter:
            return found
        return quadratic_models(
            problem,
            found.x,
            max_gap=stopping.max_gap,
            max_iter=stopping.max_iter,
            n_iter=found.n_iter,
        )


def quadratic_models(
    problem: Problem, x: Array, *, max_gap: float, max_iter: int, n_iter: int = 0
) -> Solution:
    r"""Minimise a model of the loss with the penalties, search along the line to it, repeat.

    .. math:: x^+ = x + t (\hat x - x), \quad
              \hat x \approx \arg\min_z F(x) + \langle \nabla F(x), z - x \rangle
              + \tfrac12 \|z - x\|_{H(x)}^2 + \Omega(z)

    [1]_. ADMM minimises the model, and goes on from one to the next, to a gap that is a share of
    how far the model falls. The certificate is that of the problem itself, with the gradient of
    the loss where the model has its own, close to feasible. Where rounding leaves no way down, or
    models are too flat for ADMM, proximal gradient takes over.

    References
    ----------
    .. [1] J. D. Lee, Y. Sun and M. A. Saunders, "Proximal Newton-type methods for minimizing
       composite functions", SIAM J. Optimization 24, 2014, algorithm 1 and section 3.2.
    """
    point: Any = problem.at(x)
    dual_point, last, lower, reserve, n_long = None, None, -np.inf, RESERVE * max_gap, 0
    while True:
        primal, bound = problem.gap(x, point, dual_point)
        lower = max(lower, bound)
        gap = max(primal - lower, 0.0)
        if gap <= max_gap or n_iter >= max_iter:
            return Solution(x, gap, n_iter)
        model = _Model(problem, point)
        last = model.minimise(x, reserve, min(max_iter - n_iter, LONGEST), last)
        n_iter, n_long = n_iter + last.n_iter, n_long + (last.n_iter == LONGEST)
        step = _search(problem, x, point, primal, model.solution(last))
        if step is None:
            break
        x, point = step.x, step.point
        if reserve < ROUNDING * primal or n_long > 1:
            break
        if step.promised < IDLE * max_gap:
            # What is missing is a dual point that is closer to feasible.
            reserve *= 0.1
        dual_point = model.dual_point(last) if step.is_whole else None
    rest = max(max_iter - n_iter, 1)
    found = proximal_gradient(problem, x, max_gap=max_gap, max_iter=rest, lower=lower)
    return Solution(found.x, found.gap, n_iter + found.n_iter)


class _Model:
    """The problem with a quadratic model in place of its loss."""

    def __init__(self, problem: Problem, point: DataPoint | StreamPoint) -> None:
        intercept = problem.intercept
        is_shrunk = intercept is not None and intercept.alpha > 0
        self.problem, self.is_free = problem, intercept is not None and not is_shrunk
        centred = intercept is not None
        self.statistics: Statistics = (
            point.quadratic_model(centred=centred)
            if isinstance(point, StreamPoint)
            else QuadraticModel(point, centred=centred)
        )
        self.stated = Problem(
            StatisticsLoss(self.statistics, profiled=not is_shrunk),
            problem.parts,
            problem.shape,
            n_tasks=problem.n_tasks,
            centred=problem.centred,
            shared_alpha=problem.shared_alpha,
            intercept=Intercept(intercept.alpha) if intercept and is_shrunk else None,
        )

    def minimise(
        self, x: Array, max_gap: float, max_iter: int, last: Splitting | None
    ) -> Splitting:
        """Fall from ``x`` until little is left to fall, or the gap is ``max_gap``."""
        stated = self.stated
        z = stated.pack(self.problem.unpack(x), self.problem.coefficients(x)[1])
        first = stated.smooth_value(z, stated.at(z)) + stated.penalty_value(z)
        for found in splitting(stated, stated.proxes(), z, max_iter=max_iter, last=last):
            if found.gap <= max(max_gap, ACCURACY * (first - found.primal)):
                break
        return found

    def solution(self, found: Splitting) -> Array:
        """What was found as parameters of the problem."""
        b = self._intercepts(*self.stated.coefficients(found.x))
        return self.problem.pack(self.stated.unpack(found.x), b)

    def dual_point(self, found: Splitting) -> Point:
        """The loss where the model has its gradient."""
        return self.problem.loss.at(found.W, self._intercepts(found.W, found.b))

    def _intercepts(self, W: Array, b: Array) -> Array:
        stats = self.statistics
        return stats.intercepts(W) if self.is_free else b


class _Step(NamedTuple):
    """Where a search ends, the loss there, whether it is the target, and what that promised."""

    x: Array
    point: Any
    is_whole: bool
    promised: float


def _search(problem: Problem, x: Array, point: Any, value: float, target: Array) -> _Step | None:
    """A point downhill towards the target; None where rounding hides it."""
    way, t = target - x, 1.0
    promised = -float(problem.smooth_gradient(x, point) @ way)
    promised -= problem.penalty_value(target) - problem.penalty_value(x)
    for _ in range(HALVINGS):
        new = x + t * way
        at_new = problem.at(new)
        found = problem.smooth_value(new, at_new) + problem.penalty_value(new)
        if found <= value - DESCENT * t * max(promised, 0.0):
            return _Step(new, at_new, t == 1.0, promised)
        t *= 0.5
    return None
