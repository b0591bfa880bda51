"""Accelerated proximal gradient: any smooth loss with any penalty that has a prox."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.linear.solvers._base import Solution

Array = NDArray[Any]

TINY = 1e-6
"""An objective that rounding of 1e-12 is not small against."""

CHECK_EVERY = 10
"""Iterations between two evaluations of the duality gap, which costs a few steps."""


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
