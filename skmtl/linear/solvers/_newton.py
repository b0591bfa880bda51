r"""Newton's method for losses of any kind with quadratic penalties.

With the gradient g and a matrix H close to the Hessian at the coefficients, a step is

.. math:: \theta \leftarrow \theta - t \, \tilde H^{-1} g,

where t is searched along raw scores, and :math:`\tilde H` is H corrected by what the steps since H
was formed say of the curvature. A new H at every step is Newton's method, and one H for all of
them preconditioned L-BFGS: which is cheaper depends on the data, and is forecast at every step.
Where columns are few and tasks have nothing to do with each other, there is less to do between
steps (`newton._label_newton`); where that does not end well, it begins anew here.

References
----------
Nocedal and Wright, "Numerical Optimization", 2nd ed., 2006, sections 3.3 and 7.2.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.linear.objective._data_point import DataPoint, LinearisedPoint
from skmtl.linear.objective._losses import DataLoss
from skmtl.linear.objective._problem import Problem
from skmtl.linear.objective._variables import Start
from skmtl.linear.solvers._base import Case, Solution, Solver, Stopping
from skmtl.linear.solvers.newton._class_newton import class_newton
from skmtl.linear.solvers.newton._hessian_choice import DIAGONAL, EXACT, KEEP, HessianChoice
from skmtl.linear.solvers.newton._hessians import hessians, shrink
from skmtl.linear.solvers.newton._label_newton import label_newton
from skmtl.linear.solvers.newton._newton_system import (
    DiagonalSystem,
    NewtonSystem,
    newton_system,
    task_by_task,
)
from skmtl.linear.solvers.newton._quadratic_penalty import QuadraticPenalty
from skmtl.linear.solvers.newton._score_search import search
from skmtl.linear.solvers.newton._secants import Secants
from skmtl.linear.solvers.newton._task_sums import TaskSums

Array = NDArray[Any]

SHORT = 0.1
"""Step that says, as its inverse does, that the curvature is not that of the way ahead."""

ROUNDING = 1e-9
"""Share of the objective that it may seem to rise by."""

FAR = 1e4
"""Raw scores that steps have led along, relative to those there, which cost as many digits."""

LARGEST = 1e300
"""In place of forecasts without a bound."""

PATIENCE = 20
"""Steps that may bring nothing, before what is left is taken for rounding."""


class Newton(Solver):
    """Losses that are not squared, with quadratic penalties: Newton steps."""

    name = "newton"

    def lacks(self, case: Case) -> str | None:
        part = case.parts[0]
        if case.tasks.has_squared_loss:
            return "a loss that is not squared"
        if len(case.parts) > 1 or not part.is_quadratic:
            return "a quadratic penalty ('l2', 'mean_deviation', a graph, or a sum)"
        if part.n_tasks != case.tasks.n_tasks and not part.Q.is_ridge:
            return "a penalty that compares tasks as a whole"
        return None

    def solve(self, problem: Problem, start: Start, stopping: Stopping) -> Solution:
        found = label_newton(problem, start, stopping)
        if found is not None:
            return found
        start, n_iter = class_newton(problem, start, stopping)
        if n_iter:
            x = problem.start(start.W, start.b)
            primal, bound = problem.gap(x)
            if primal - bound <= stopping.max_gap:
                return Solution(x, max(primal - bound, 0.0), n_iter)
        rest = replace(stopping, max_iter=stopping.max_iter - n_iter)
        found = _Descent(problem, start).run(rest)
        return replace(found, n_iter=max(n_iter, 1) if n_iter else found.n_iter)


class _Descent:
    """The coefficients on their way down.

    ``theta`` (q, n_outputs) is W above the intercepts, where there are any, ``bent`` the gradient
    of the penalty there, and ``point`` the loss. ``is_damped``: whether the Hessian has at least
    the curvature that leads losses to 0; ``is_stuck``: whether a step led up.
    """

    def __init__(self, problem: Problem, start: Start) -> None:
        assert isinstance(problem.loss, DataLoss)
        self.problem, self.loss = problem, problem.loss
        self.penalty = QuadraticPenalty(problem)
        self.n_features, self.n_outputs = problem.shape
        self.sums = TaskSums(self.loss, self.n_outputs, self.penalty.couples)
        self.secants = Secants(self.sums)
        self.choice = HessianChoice(self.loss, problem.shape, self.penalty)
        W, b = problem.coefficients(problem.start(start.W, start.b))
        self._start_at(np.vstack([W, b]) if problem.intercept else W.copy())
        if not np.isfinite(self.point.value):
            self._start_at(np.zeros_like(self.theta))
        self.system: NewtonSystem
        self.is_damped = any(block.task.has_linear_tails for block in self.loss.blocks)

    def _start_at(self, theta: Array) -> None:
        self.travelled, self.is_stuck = 0.0, False
        self.theta, self.bent = theta, self.penalty.gradient(theta)
        self.point = self.loss.at(*self._coefficients(theta))

    def run(self, stopping: Stopping) -> Solution:
        """Steps until the gap is small enough, or nothing moves any more."""
        g, gap, best, n_idle = self._gradient(), np.inf, np.inf, 0
        expected, dual, doubt = abs(self.point.value), None, 1.0
        for n_iter in range(stopping.max_iter + 1):
            if self.penalty.is_regular:
                expected = doubt * self.penalty.conjugate(g)
            best, n_idle = (expected, 0) if expected < best else (best, n_idle + 1)
            ends = n_iter == stopping.max_iter or n_idle > PATIENCE or self.is_stuck
            can_ask = dual or not self.choice.certifies_with_hessian
            is_close = expected <= stopping.max_gap and can_ask
            # No loss is negative, nor is a penalty.
            if ends or is_close or self._value <= stopping.max_gap:
                self._settle()
                primal, bound = self.problem.gap(self.x, self.point, dual)
                gap = max(primal - bound, 0.0)
                if ends or gap <= stopping.max_gap:
                    break
                doubt *= min(max(gap / expected, 1.0), 10.0) if expected else 1.0
            choice = self.choice(stopping.max_gap, min(expected, LARGEST))
            g, expected, dual = self._step(g, choice)
        return Solution(self.x, gap, max(n_iter, 1))

    def _step(self, g: Array, choice: str) -> tuple[Array, float, DataPoint | None]:
        """Go on; the gradient there, about how large the gap is, and a better dual point."""
        if choice != KEEP:
            self.system = self._system(choice)
            self.secants.forget()
        d = -self.secants.apply(g, self.system.solve)
        E, bent, before = (
            self.loss.design.forward(*self._coefficients(d)),
            self.penalty.gradient(d),
            self.point,
        )
        start = self.sums.of_coefficients(g, d)
        first = np.ones_like(start)
        if choice != EXACT:
            # Where the derivative along d would be 0 with the curvature at hand.
            along = self.sums.of_coefficients(bent, d)
            along += self.sums.of_scores(E, before.curvature.times(E))
            np.divide(-start, along, out=first, where=along > 0)
        step = self._go(d, E, bent, start, first)
        if self.point is before:
            return g, LARGEST, None
        found = self._gradient()
        self.secants.add(step, found, g)
        decrement = -float(start.sum())
        if choice != EXACT or self.penalty.is_regular:
            return found, 0.5 * decrement, None
        # By a second-order term less: third derivatives of losses are at most as large as second.
        return found, 0.125 * decrement * float(np.abs(E).max()) ** 2, LinearisedPoint(before, E)

    def _system(self, choice: str) -> NewtonSystem:
        """The Hessian; a rough one is of some rows, and of each output where that goes."""
        if choice == DIAGONAL:
            return DiagonalSystem(self.penalty, self.point)
        if choice == EXACT or self.penalty.Q.dense is not None:
            stacks = hessians(self.point, self.penalty, self.n_outputs, is_damped=self.is_damped)
            whole = newton_system if choice == EXACT else task_by_task
            return whole(self.penalty, stacks)
        row_step = self.choice.row_step
        point = self.point if row_step == 1 else self.point.of_rows(row_step)
        by_output = not self.penalty.couples
        stacks = hessians(point, self.penalty, self.n_outputs, by_output=by_output)
        if row_step > 1:
            shrink(stacks, len(point.raw), len(self.point.raw))
        return newton_system(self.penalty, stacks)

    def _go(self, d: Array, E: Array, bent: Array, start: Array, first: Array) -> Array:
        """The step along d that a search takes, with its raw scores E and its gradient bent."""
        of, value, before = self.sums.of_coefficients, self._value, self.point
        # Rounding must not make the penalty concave.
        penalty = of(self.bent, d), np.maximum(of(bent, d), 0.0)
        t, self.point = search(self.sums, before, E, start, first, *penalty)
        was_damped, is_unusual = self.is_damped, (t < SHORT) | (t > 1.0 / SHORT)
        self.is_damped = bool(is_unusual.any())
        step, change = self.sums.to_coefficients(t, d), self.sums.to_coefficients(t, bent)
        theta, bent = self.theta, self.bent
        self.theta, self.bent = theta + step, bent + change
        if not self._value <= value + ROUNDING * abs(value):
            # Directions that hardly anything bends along are rounding at last.
            self.theta, self.bent, self.point = theta, bent, before
            self.is_damped, self.is_stuck, self.choice.last = True, was_damped, None
        self.travelled += float(t.max()) * float(np.linalg.norm(E))
        return step

    def _settle(self) -> None:
        """Raw scores anew, where the sum of steps has lost digits of them."""
        if self.travelled > FAR * float(np.linalg.norm(self.point.raw)):
            self.travelled, self.bent = 0.0, self.penalty.gradient(self.theta)
            self.point = self.loss.at(*self._coefficients(self.theta))

    def _coefficients(self, theta: Array) -> tuple[Array, Array]:
        p = self.n_features
        return theta[:p], theta[p] if len(theta) > p else np.zeros(self.n_outputs)

    @property
    def _value(self) -> float:
        return self.point.value + max(0.5 * float(np.vdot(self.theta, self.bent)), 0.0)

    def _gradient(self) -> Array:
        """Gradient of the objective."""
        gW, gb = self.point.gradient
        g = self.bent.copy()
        g[: self.n_features] += gW
        g[self.n_features :] += gb
        return self.penalty.project(g)

    @property
    def x(self) -> Array:
        """The coefficients as `Problem` has them."""
        intercept = self.problem.intercept
        if not self.problem.centred and (intercept is None or intercept.scale == 1.0):
            return self.theta.ravel()
        return self.problem.start(*self._coefficients(self.theta))
