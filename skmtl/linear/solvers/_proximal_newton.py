"""Proximal Newton: losses that are not all squared with a sum of row norms.

`proximal_newton._newton_steps` has the algorithm, `proximal_newton._label_model` the quadratic
model of a step, `compiled` the inner loops. All of these are imported on first use: loading numba
takes longer than many a fit.
"""

from __future__ import annotations

from collections.abc import Callable

from skmtl.linear.objective._options import FitOptions
from skmtl.linear.objective._penalty_part import PenaltyPart
from skmtl.linear.objective._problem import Problem
from skmtl.linear.objective._setup import StatedLoss
from skmtl.linear.objective._variables import Start
from skmtl.linear.solvers._base import Case, QuickFit, Solution, Solver, Stopping
from skmtl.linear.solvers._block_descent import lacks_row_norms


class ProximalNewton(Solver):
    """Losses that are not all squared, with a sum of L1, L21 and L2: Newton steps on W."""

    name = "proximal_newton"
    is_compiled = True

    def lacks(self, case: Case) -> str | None:
        if case.tasks.has_squared_loss:
            return "a loss that is not squared"
        if case.is_stored:
            return "rows in memory"
        return lacks_row_norms(case)

    def solve(self, problem: Problem, start: Start, stopping: Stopping) -> Solution:
        from skmtl.linear.solvers.proximal_newton._newton_steps import proximal_newton

        return proximal_newton(problem, start, stopping)

    def quick_fit(
        self, state: Callable[[], StatedLoss], part: PenaltyPart, options: FitOptions
    ) -> QuickFit | None:
        """Fits of few raw scores."""
        from skmtl.linear.solvers.proximal_newton._few_scores import FewScores

        few = FewScores.of(state(), part, options)
        return None if few is None else few.fit
