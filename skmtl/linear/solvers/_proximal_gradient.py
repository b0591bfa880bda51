"""Accelerated proximal gradient: any smooth loss with any penalty that has a prox."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.linear.objective._problem import Problem
from skmtl.linear.objective._variables import Start
from skmtl.linear.solvers._base import Solution, Solver, Stopping

Array = NDArray[Any]

TINY = 1e-6
"""An objective that rounding of 1e-12 is not small against."""

CHECK_EVERY = 10
"""Iterations between two evaluations of the duality gap, which costs a few steps."""

FLAT = 1e-4
"""Curvature along the features, as a part of that along intercepts, that is another scale."""


class ProximalGradient(Solver):
    """Any smooth loss with any penalty that has a prox: see `proximal_gradient`."""

    name = "proximal_gradient"

    def solve(self, problem: Problem, start: Start, stopping: Stopping) -> Solution:
        if problem.intercept:
            problem.intercept.scale = _intercept_scale(problem, start)
        return proximal_gradient(
            problem,
            problem.start(*start),
            max_gap=stopping.max_gap,
            max_iter=stopping.max_iter,
        )


def proximal_gradient(
    problem: Any, x: Array, *, max_gap: float, max_iter: int, seed: int = 0
) -> Solution:
    r"""Minimise ``problem`` from ``x`` until its duality gap is at most ``max_gap``.

    A step goes from the extrapolated point z to
    :math:`x^+ = \mathrm{prox}_{\Omega / L}(z - \nabla F(z) / L)`; L is doubled until the
    quadratic model at z bounds F at x+ [1]_. The momentum is dropped whenever it points
    uphill [2]_, which makes the method linearly convergent where the problem allows it.

    References
    ----------
    .. [1] A. Beck and M. Teboulle, "A fast iterative shrinkage-thresholding algorithm for
       linear inverse problems", SIAM J. Imaging Sciences 2, 2009, section 4.
    .. [2] B. O'Donoghue and E. Candes, "Adaptive restart for accelerated gradient schemes",
       Foundations of Computational Mathematics 15, 2015, section 3.2.
    """
    lipschitz = largest_curvature(problem, x, seed)
    z, momentum, unit = x, 1.0, _unit(problem, x)
    lower, gap = -np.inf, np.inf
    for n_iter in range(1, max_iter + 1):
        x_new, point, lipschitz = _step(problem, z, lipschitz, unit)
        if n_iter % CHECK_EVERY == 0 or n_iter == max_iter:
            primal, bound = problem.gap(x_new, point)
            lower = max(lower, bound)
            gap = max(primal - lower, 0.0)
            if gap <= max_gap:
                return Solution(x_new, gap, n_iter)
        if (z - x_new) @ (x_new - x) > 0:
            z, momentum = x_new, 1.0
        else:
            following = 0.5 * (1.0 + np.sqrt(1.0 + 4.0 * momentum**2))
            z = x_new + (momentum - 1.0) / following * (x_new - x)
            momentum = following
        x = x_new
    return Solution(x, gap, max_iter)


def _unit(problem: Any, x: Array) -> float:
    """1, or the objective where that is tiny, as for labels of 1e-9."""
    value = abs(float(problem.smooth_value(x, problem.at(x))))
    return value if value < TINY else 1.0


def _step(problem: Any, z: Array, lipschitz: float, unit: float) -> tuple[Array, Any, float]:
    """One proximal step from z; also the point of the loss there and the L that held."""
    at_z = problem.at(z)
    value, gradient = problem.smooth_value(z, at_z), problem.smooth_gradient(z, at_z)
    # What rounding alone can make of the comparison below.
    slack = 1e-12 * (unit + abs(value)) if np.isfinite(value) else 0.0
    for _ in range(100):
        x_new = problem.prox(z - gradient / lipschitz, 1.0 / lipschitz)
        move = x_new - z
        point = problem.at(x_new)
        model = value + gradient @ move + 0.5 * lipschitz * (move @ move)
        if problem.smooth_value(x_new, point) <= model + slack:
            break
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


def _intercept_scale(problem: Problem, start: Start) -> float:
    """Scale that gives the intercepts the curvature of the steepest feature direction."""
    point = problem.loss.at(start.W, start.b)
    # Signs that alternate: softmax does not bend where all classes move alike.
    signs = np.where(np.arange(problem.shape[1]) % 2, -1.0, 1.0)
    along_b = float(np.abs(point.hessian(np.zeros(problem.shape), signs)[1]).max())
    x = problem.start(start.W, start.b)
    steepest = largest_curvature(problem, x)
    if steepest <= 2.0 * along_b:
        # Maybe that of the intercepts; what counts are the features alone, if they are flat.
        features = np.ones_like(x)
        problem.split(features)[2][:] = 0.0
        if largest_curvature(problem, x, n_iter=2, among=features) < FLAT * along_b:
            steepest = largest_curvature(problem, x, among=features)
    return float(np.sqrt(steepest / along_b)) if along_b > 0 and steepest > 0 else 1.0
