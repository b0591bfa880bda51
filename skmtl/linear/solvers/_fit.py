"""From validated data to certified coefficients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl._warnings import held_back, warn_once_a_fit
from skmtl.linear.objective._options import FitOptions
from skmtl.linear.objective._parameters import check_comparable, check_smooth
from skmtl.linear.objective._penalty_part import PenaltyPart, parts_for, task_covariance
from skmtl.linear.objective._row_space import in_row_space, start_in_basis
from skmtl.linear.objective._setup import Setup, StatedLoss, state_loss, without_center
from skmtl.linear.objective._statistics import Statistics, gram_bytes
from skmtl.linear.objective._variables import Start
from skmtl.linear.penalties import L2, Penalty
from skmtl.linear.solvers._base import Case, QuickFit, Solution, Solver, Stopping
from skmtl.linear.solvers._convergence import (
    is_certified,
    warn_of_iterations,
    warn_unless_certified,
)
from skmtl.linear.solvers._linear_fit import LinearFit
from skmtl.linear.solvers._select import fits_in_grams, select_solver
from skmtl.linear.solvers._shapes import fit_with_shapes, have_shapes
from skmtl.linear.solvers._smoothing import solve_smoothed
from skmtl.linear.solvers._stacked_rows import solve_on_rows
from skmtl.sources._stored_rows import StoredRows
from skmtl.tasks._targets import Targets
from skmtl.tasks._task_set import TaskSet

Array = NDArray[Any]


def fit_linear(
    X: Any,
    targets: Targets,
    label_weights: Any,
    penalty: Penalty,
    options: FitOptions,
    warm: Any = None,
) -> LinearFit:
    """Fit all tasks once: see `LinearFitter`.

    ``warm`` is a tuple (W, b) or (W, b, parts of W or None) to start from, or None.
    """
    fitter = LinearFitter(X, targets, label_weights, penalty, options)
    return fitter.fit(options.alpha, None if warm is None else Start(*warm))


class LinearFitter:
    """Fits all tasks with any alpha, with features in a basis of the rows where that is smaller.

    Parameters
    ----------
    X : ndarray, sparse matrix or Statistics
        Features, or what squared loss needs of the data.
    targets : Targets
        Labels; each task has some, and outputs.
    label_weights : ndarray or None
        What each label counts; None with statistics.
    penalty : Penalty
        Penalty of these tasks.
    options : FitOptions
        What the fits are asked for, whatever ``alpha``.
    """

    def __init__(
        self,
        X: Any,
        targets: Targets,
        label_weights: Any,
        penalty: Penalty,
        options: FitOptions,
    ) -> None:
        check_comparable(targets.tasks, penalty, options)
        check_smooth(targets.tasks)
        X, self._basis = in_row_space(X, penalty, options)
        self._data = X, targets, label_weights
        self.penalty, self.options = penalty, options.in_basis(self._basis)
        squared = targets.tasks.has_squared_loss
        self._n_gram_bytes = gram_bytes(*self._data) if squared else np.inf
        self._stated: dict[bool, StatedLoss] = {}
        self._solvers: dict[tuple[bool, bool], Solver] = {}
        self._quick: QuickFit | None = None
        self._is_known = False
        # Of the last fit, where losses have kinks.
        self._slope: Array | None = None

    def fit(self, alpha: float, warm: Start | None = None) -> LinearFit:
        """Fit with this alpha, from other coefficients where these are given."""
        start = start_in_basis(warm, self._basis)
        if not have_shapes(self._data[1].tasks.tasks):
            found = self._quick_fit(alpha, start)
            if found is None or found.gap > self._max_gap(self._stated_loss(False)):
                start = start if found is None else found.warm
                found = self._fit(self.penalty, alpha, start)
            return found.expanded(self._basis)

        def fit(start: Start | None) -> LinearFit:
            # Another shape is another loss.
            self._stated.clear()
            return self._fit(self.penalty, alpha, start)

        tolerance = self.options.margin * self.options.tol
        return fit_with_shapes(fit, *self._data, start, tolerance).expanded(self._basis)

    def _fit(self, penalty: Penalty, alpha: float, warm: Start | None) -> LinearFit:
        """`fit` in the features as they are solved for."""
        X, targets, _ = self._data
        tasks, options = targets.tasks, self.options
        if alpha != options.alpha:
            options = replace(options, alpha=alpha)
        parts = parts_for(penalty, alpha, X.shape[1], tasks, positive=options.positive)
        if tasks.has_squared_loss and _is_least_squares(parts, options):
            start = None if warm is None else Start(warm.W, warm.b)
            return self._fit(L2(weight=0.0), alpha, start).in_equal_parts(len(parts))
        shared_alpha = options.shared_alpha if alpha else 0.0
        parts, center_weights = without_center(
            parts, tasks.n_tasks, center=options.center, shared_alpha=shared_alpha
        )
        # The same for every alpha of a penalty, 0 apart.
        key = penalty is self.penalty, alpha > 0.0
        if key not in self._solvers:
            case = self._case(parts, penalty, options)
            self._solvers[key] = select_solver(case)
        solver = self._solvers[key]
        path = solver.path(*self._data, parts[0], options, warm)
        if path is not None:
            return next(path)
        is_merged = isinstance(X, Statistics)
        on_grams = is_merged or solver.needs_grams or fits_in_grams(X.shape, self._n_gram_bytes)
        centred = options.center and center_weights is None
        setup = self._stated_loss(on_grams).with_penalty(
            parts, centred=centred, shared_alpha=shared_alpha
        )
        setup, solution, self._slope = solve(
            setup,
            solver,
            warm,
            options,
            tasks,
            self._slope,
            on_rows=None if is_merged else partial(self._stated_loss, False),
        )
        found = coefficients_of_solution(setup, solution, tasks)
        if center_weights is not None:
            by_task = found.W.reshape(len(found.W), tasks.n_tasks, -1)
            found.shared_W = np.einsum("ptc,t->pc", by_task, center_weights)
        return found

    def _quick_fit(self, alpha: float, warm: Start | None) -> LinearFit | None:
        """A fit of a solver that needs no problem stated for every alpha; None of the others."""
        X, targets, _ = self._data
        tasks, options = targets.tasks, self.options
        is_smooth = all(task.is_smooth for task in tasks.tasks)
        if tasks.has_squared_loss or options.center or not alpha or not is_smooth:
            return None
        if not self._is_known:
            self._is_known = True
            parts = parts_for(self.penalty, 1.0, X.shape[1], tasks, positive=options.positive)
            solver = select_solver(self._case(parts, self.penalty, options))
            if not options.shared_alpha and not parts[0].over_tasks:
                self._solvers[True, True] = solver
            self._quick = solver.quick_fit(partial(self._stated_loss, False), parts[0], options)
        return None if self._quick is None else self._quick(alpha, warm)

    def _case(self, parts: list[PenaltyPart], penalty: Penalty, options: FitOptions) -> Case:
        """What decides on the solver."""
        X, targets, _ = self._data
        is_stored = isinstance(X, StoredRows)
        return Case(targets.tasks, parts, penalty, options, self._n_gram_bytes, is_stored=is_stored)

    def _max_gap(self, stated: StatedLoss) -> float:
        """The gap that solvers go to."""
        return self.options.margin * self.options.tol * stated.null_loss

    def _stated_loss(self, on_grams: bool) -> StatedLoss:
        """The loss, stated once for all alphas."""
        if on_grams not in self._stated:
            self._stated[on_grams] = state_loss(*self._data, self.options, on_grams=on_grams)
        return self._stated[on_grams]


def _is_least_squares(parts: list[PenaltyPart], options: FitOptions) -> bool:
    """Whether there are several parts without a penalty on any: the split says nothing."""
    free = all(part.is_quadratic and not part.has_quadratic for part in parts)
    is_auto = isinstance(options.solver, str) and options.solver == "auto"
    return len(parts) > 1 and free and is_auto


def solve(
    setup: Setup,
    solver: Solver,
    warm: Start | None,
    options: FitOptions,
    tasks: TaskSet,
    slope: Array | None = None,
    on_rows: Callable[[], StatedLoss] | None = None,
) -> tuple[Setup, Solution, Array | None]:
    """Run a solver, and warn if what it finds is not certified to ``tol``.

    ``slope`` are the slopes of a loss with kinks in the last fit, of which those here are next.
    ``on_rows`` states the loss of the rows, on which a direct solution that is not certified is
    looked for once more. The setup returned is that of the solution.
    """
    max_gap = options.margin * options.tol * setup.null_loss
    stopping = Stopping(max_gap, options.max_iter)
    where = setup.problem, setup.start(warm), stopping
    with held_back() as held:
        if all(task.is_smooth for task in tasks.tasks):
            solution = solver.solve(*where)
        else:
            solution, slope = solve_smoothed(solver, *where, slope if warm else None)
    if solver.is_direct:
        if on_rows and not is_certified(solution.gap, setup.null_loss, options):
            better = better_of_rows(setup, solution, on_rows())
            setup, solution, held = better or (setup, solution, held)
        warn_unless_certified(solution.gap, setup.null_loss, options)
    else:
        warn_of_iterations(setup.problem, solution.x, solution.gap, setup.null_loss, options, tasks)
    for message, category in held.items():
        warn_once_a_fit(message, category)
    return setup, solution, slope


def better_of_rows(
    setup: Setup, solution: Solution, stated: StatedLoss
) -> tuple[Setup, Solution, dict[str, type[Warning]]] | None:
    """A solution without Gram matrices, which square what rounding does, if it is better.

    With its setup, and warnings of it.
    """
    of_grams = setup.problem
    on_rows = stated.with_penalty(
        list(of_grams.parts), centred=of_grams.centred, shared_alpha=of_grams.shared_alpha
    )
    problem = on_rows.problem
    with held_back() as held:
        x = solve_on_rows(problem)
    if x is None:
        return None
    W, b = of_grams.coefficients(solution.x)
    before = on_rows.start(Start(W, setup.to_data(W, b)))
    primal, bound = problem.gap(x)
    if not primal < problem.value(problem.start(before.W, before.b)):
        return None
    return on_rows, Solution(x, max(primal - bound, 0.0), solution.n_iter), held


def coefficients_of_solution(setup: Setup, solution: Solution, tasks: TaskSet) -> LinearFit:
    """A solution in the terms of the data."""
    problem, x = setup.problem, solution.x
    W, b = problem.coefficients(x)
    V = problem.split(x)[0]
    covariance = [task_covariance(part, v) for part, v in zip(problem.parts, V, strict=True)]
    return LinearFit(
        W=W,
        b=setup.to_data(W, b),
        shared_W=problem.shared(x) if problem.centred else None,
        gap=solution.gap,
        n_iter=solution.n_iter,
        value=problem.value(x) if have_shapes(tasks.tasks) else None,
        parts=V.copy() if len(V) > 1 or problem.centred else None,
        task_covariance=next((c for c in covariance if c is not None), None),
    )
