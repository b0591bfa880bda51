"""Accelerated proximal gradient: any smooth loss with any penalty that has a prox."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.linear.objective._problem import Problem
from skmtl.linear.objective._variables import Start
from skmtl.linear.solvers._base import Solution, Solver, Stopping

Array = NDArray[Any]

CHECK_EVERY = 10
"""Iterations between two evaluations of the duality gap, which costs a few steps, at first."""

SHARE_UNCHECKED = 0.1
"""The same relative to the iterations so far, for fits of many."""

LONGER = 0.9
"""Factor on L after a step: the loss may be flatter from here on."""

ROUNDING = 1e-12
"""What rounding makes of a value of the objective, relative to it."""


class ProximalGradient(Solver):
    """Any smooth loss with any penalty that has a prox: see `proximal_gradient`."""

    name = "proximal_gradient"

    def solve(self, problem: Problem, start: Start, stopping: Stopping) -> Solution:
        lipschitz = None
        if problem.intercept:
            problem.intercept.scale, lipschitz = _intercept_scale(problem, start)
        return proximal_gradient(
            problem,
            problem.start(*start),
            max_gap=stopping.max_gap,
            max_iter=stopping.max_iter,
            lipschitz=lipschitz,
        )


def proximal_gradient(
    problem: Any,
    x: Array,
    *,
    max_gap: float,
    max_iter: int,
    seed: int = 0,
    lipschitz: float | None = None,
    lower: float = -np.inf,
) -> Solution:
    r"""Minimise ``problem`` from ``x`` until its duality gap is at most ``max_gap``.

    A step goes from the extrapolated point z to
    :math:`x^+ = \mathrm{prox}_{\Omega / L}(z - \nabla F(z) / L)`; L is doubled until the
    quadratic model at z bounds F at x+ [1]_, and shrinks a little after every step, as the
    curvature of a loss may [2]_. The momentum is dropped whenever it points uphill [3]_, which
    makes the method linearly convergent where the problem allows it.

    ``lipschitz`` is the L to begin with, by default that of a power iteration, and ``lower`` a
    bound of the optimum that is known.

    References
    ----------
    .. [1] A. Beck and M. Teboulle, "A fast iterative shrinkage-thresholding algorithm for
       linear inverse problems", SIAM J. Imaging Sciences 2, 2009, section 4.
    .. [2] S. Becker, E. Candes and M. Grant, "Templates for convex cone problems with
       applications to sparse signal recovery", Mathematical Programming Computation 3, 2011,
       section 5.3.
    .. [3] B. O'Donoghue and E. Candes, "Adaptive restart for accelerated gradient schemes",
       Foundations of Computational Mathematics 15, 2015, section 3.2.
    """
    lipschitz = lipschitz or largest_curvature(problem, x, seed)
    z, momentum = x, 1.0
    gap, next_check = np.inf, CHECK_EVERY
    for n_iter in range(1, max_iter + 1):
        x_new, point, used = _step(problem, z, lipschitz)
        if n_iter >= next_check or n_iter == max_iter:
            primal, bound = problem.gap(x_new, point)
            lower = max(lower, bound)
            gap = max(primal - lower, 0.0)
            if gap <= max_gap:
                return Solution(x_new, gap, n_iter)
            next_check = n_iter + max(CHECK_EVERY, int(SHARE_UNCHECKED * n_iter))
        if (z - x_new) @ (x_new - x) > 0:
            z, momentum = x_new, 1.0
        else:
            following = 0.5 * (1.0 + np.sqrt(1.0 + 4.0 * momentum**2))
            z = x_new + (momentum - 1.0) / following * (x_new - x)
            momentum = following
        x, lipschitz = x_new, used
    return Solution(x, gap, max_iter)


def _step(problem: Any, z: Array, lipschitz: float) -> tuple[Array, Any, float]:
    """One proximal step from z; also the point of the loss there and the L of the next."""
    at_z = problem.at(z)
    value, gradient = problem.smooth_value(z, at_z), problem.smooth_gradient(z, at_z)
    for _ in range(100):
        x_new = problem.prox(z - gradient / lipschitz, 1.0 / lipschitz)
        move = x_new - z
        point = problem.at(x_new)
        bend = 0.5 * lipschitz * float(move @ move)
        above = problem.smooth_value(x_new, point) - value - float(gradient @ move)
        if above <= bend:
            # Where rounding decides on the comparison, L stays.
            return x_new, point, lipschitz * (LONGER if bend > ROUNDING * abs(value) else 1.0)
        if float(move @ (problem.smooth_gradient(x_new, point) - gradient)) <= 2.0 * bend:
            return x_new, point, lipschitz
        lipschitz *= 2.0
    return x_new, point, lipschitz


def largest_curvature(
    problem: Any, x: Array, seed: int = 0, n_iter: int = 15, among: Any = 1.0
) -> float:
    """Largest eigenvalue of the loss's Hessian at ``x``, from below, by power iteration.

    ``among`` is 1 for the parameters that move, and 0 for the others.
    """
    point = problem.at(x)
    v = among * np.random.default_rng(seed).normal(size=problem.size)
    size = float(np.linalg.norm(v))
    for _ in range(n_iter):
        v = among * problem.hessian(v / size, point)
        size = float(np.linalg.norm(v))
        if size == 0.0:
            return 1.0
    return size


def _intercept_scale(problem: Problem, start: Start) -> tuple[float, float]:
    """Scale that gives the intercepts the curvature of the steepest feature direction; that."""
    point = problem.loss.at(start.W, start.b)
    # Signs that alternate: softmax does not bend where all classes move alike.
    signs = np.where(np.arange(problem.shape[1]) % 2, -1.0, 1.0)
    along_b = float(np.abs(point.hessian(np.zeros(problem.shape), signs)[1]).max())
    x = problem.start(start.W, start.b)
    features = np.ones_like(x)
    problem.split(features)[2][:] = 0.0
    steepest = largest_curvature(problem, x, among=features)
    scale = float(np.sqrt(steepest / along_b)) if along_b > 0 and steepest > 0 else 1.0
    return scale, steepest
