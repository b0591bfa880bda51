"""Quadratic models of a loss, each minimised on Gram matrices: any loss, few features, any prox."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.linear.objective._problem import Intercept, Problem
from skmtl.linear.objective._quadratic_model import QuadraticModel
from skmtl.linear.objective._statistics import MAX_GRAM_BYTES
from skmtl.linear.objective._statistics_loss import StatisticsLoss
from skmtl.linear.objective._variables import Start
from skmtl.linear.solvers._admm import MAX_EIGEN_WORK, Splitting, splitting
from skmtl.linear.solvers._base import Case, Solution, Solver, Stopping
from skmtl.linear.solvers._proximal_gradient import ProximalGradient

Array = NDArray[Any]

ACCURACY = 0.1
"""Gap of a model's solution, relative to how far the model falls to it."""

RESERVE = 0.3
"""Share of the gap asked for that the last model may keep."""

DESCENT = 1e-4
"""Share of the decrease expected that a step has to bring (Nocedal and Wright, "Numerical
optimization", 2nd ed., 2006, section 3.1)."""

HALVINGS = 30
"""Of a step, until it is given up."""


class QuadraticModels(Solver):
    """Losses that are not squared, few features, any penalty with a prox: see `solve`."""

    name = "quadratic_models"

    def lacks(self, case: Case) -> str | None:
        if case.tasks.has_squared_loss:
            return "a loss that is not squared"
        n_features, n_outputs = case.parts[0].shape
        if n_outputs * n_features**3 > MAX_EIGEN_WORK:
            return f"fewer features or outputs than {n_features} and {n_outputs}"
        if (n_bytes := 8 * n_outputs * n_features**2) > MAX_GRAM_BYTES:
            return (
                f"Gram matrices of at most {MAX_GRAM_BYTES / 2**30:g} GiB, but they would take "
                f"{n_bytes / 2**30:.1f} GiB"
            )
        return None

    def solve(self, problem: Problem, start: Start, stopping: Stopping) -> Solution:
        r"""Minimise the model of the loss with the penalties, search along the line to it, repeat.

        .. math:: x^+ = x + t (\hat x - x), \quad
                  \hat x \approx \arg\min_z F(x) + \langle \nabla F(x), z - x \rangle
                  + \tfrac12 \|z - x\|_{H(x)}^2 + \Omega(z)

        [1]_ by `splitting`, which goes on from one model to the next, to a gap that is a share of
        how far the model falls. The certificate is that of the problem itself, with the gradient
        of the loss where the model's is, close to feasible. Where rounding leaves no step that
        falls, proximal gradient takes over.

        References
        ----------
        .. [1] J. D. Lee, Y. Sun and M. A. Saunders, "Proximal Newton-type methods for minimizing
           composite functions", SIAM J. Optimization 24, 2014, algorithm 1 and section 3.2.
        """
        x, n_iter, lower = problem.start(*start), 0, -np.inf
        point, dual_point, last = problem.at(x), None, None
        while True:
            primal, bound = problem.gap(x, point, dual_point)
            lower = max(lower, bound)
            gap = max(primal - lower, 0.0)
            if gap <= stopping.max_gap or n_iter >= stopping.max_iter:
                return Solution(x, gap, n_iter)
            model = _Model(problem, point)
            last = model.minimise(x, RESERVE * stopping.max_gap, stopping.max_iter - n_iter, last)
            n_iter += last.n_iter
            found = _search(problem, x, point, primal, model.in_problem(last))
            if found is None:
                return _by_steps(problem, x, n_iter, stopping)
            x, point, is_whole = found
            dual_point = model.dual_point(last) if is_whole else None


class _Model:
    """The problem with a quadratic model in place of its loss."""

    def __init__(self, problem: Problem, point: Any) -> None:
        intercept = problem.intercept
        is_shrunk = intercept is not None and intercept.alpha > 0
        self.problem, self.is_free = problem, intercept is not None and not is_shrunk
        self.statistics = QuadraticModel(point, centred=self.is_free)
        self.stated = Problem(
            StatisticsLoss(self.statistics, profiled=not is_shrunk),
            problem.parts,
            problem.shape,
            n_tasks=problem.n_tasks,
            centred=problem.centred,
            intercept=Intercept(intercept.alpha) if intercept and is_shrunk else None,
        )

    def minimise(
        self, x: Array, max_gap: float, max_iter: int, last: Splitting | None
    ) -> Splitting:
        """Fall from ``x`` until little is left, or the gap is ``max_gap``."""
        stated = self.stated
        z = stated.pack(self.problem.unpack(x), self.problem.coefficients(x)[1])
        first = stated.smooth_value(z, stated.at(z)) + stated.penalty_value(z)
        for found in splitting(stated, stated.proxes(), z, max_iter=max_iter, last=last):
            if found.gap <= max(max_gap, ACCURACY * (first - found.primal)):
                break
        return found

    def in_problem(self, found: Splitting) -> Array:
        """The solution as parameters of the problem."""
        W, b = self.stated.coefficients(found.x)
        return self.problem.pack(self.stated.unpack(found.x), self._intercepts(W, b))

    def dual_point(self, found: Splitting) -> Any:
        """The loss where the model has its gradient."""
        return self.problem.loss.at(found.W, self._intercepts(found.W, found.b))

    def _intercepts(self, W: Array, b: Array) -> Array:
        statistics = self.statistics
        return statistics.y_mean - statistics.mean_product(W) if self.is_free else b


def _search(
    problem: Problem, x: Array, point: Any, value: float, target: Array
) -> tuple[Array, Any, bool] | None:
    """A point that falls between ``x`` and the target, and whether it is that; None without."""
    way, t = target - x, 1.0
    expected = float(problem.smooth_gradient(x, point) @ way)
    expected += problem.penalty_value(target) - problem.penalty_value(x)
    if not expected < 0.0:
        return None
    for _ in range(HALVINGS):
        new = x + t * way
        at_new = problem.at(new)
        found = problem.smooth_value(new, at_new) + problem.penalty_value(new)
        if found <= value + DESCENT * t * expected:
            return new, at_new, t == 1.0
        t *= 0.5
    return None


def _by_steps(problem: Problem, x: Array, n_iter: int, stopping: Stopping) -> Solution:
    """Proximal gradient for the rest of the iterations."""
    W, b = problem.coefficients(x)
    start = Start(W, b, problem.split(x)[0].copy())
    rest = Stopping(stopping.max_gap, max(stopping.max_iter - n_iter, 1))
    found = ProximalGradient().solve(problem, start, rest)
    return Solution(found.x, found.gap, n_iter + found.n_iter)
