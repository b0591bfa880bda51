"""The task kernel that minimises the objective together with the functions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from skmtl._warnings import warn
from skmtl.kernel._problem import KernelProblem

Array = NDArray[Any]


def learn_task_kernel(
    problem: KernelProblem, *, tol: float, max_iter: int
) -> tuple[Array, Array, float, int]:
    r"""Minimise h over B >= 0 with trace T: B, dual coefficients, duality gap, iterations.

    h is convex, so that its linear model at B bounds it from below:
    :math:`\tfrac{\alpha}{2} (T \lambda_{\max}(G) - \mathrm{tr}(B G))` is a duality gap. The first
    step alternates: for functions with the Gram matrix :math:`S = B G B` the best task kernel is
    :math:`T S^{1/2} / \mathrm{tr} \, S^{1/2}`. On its own that goes on slowly and, where B is
    singular, never reaches directions it has lost; the steps after it are projected gradients
    with spectral lengths [1]_.

    It ends at a gap of ``tol`` times the loss of constant predictions, or with a warning.

    References
    ----------
    .. [1] E. Birgin, J. Martinez and M. Raydan, "Nonmonotone spectral projected gradient methods
       on convex sets", SIAM Journal on Optimization 10, 2000, algorithm 2.2 (here monotone).
    """
    n_tasks, half = problem.shape[1], 0.5 * problem.alpha
    max_gap = tol * problem.null_loss
    B = np.eye(n_tasks)
    at = _Point(problem, B)
    length = 1.0 / at.top if at.top > 0 else 0.0
    for n_iter in range(1, max_iter + 1):
        gap = -half * float(np.vdot(B, at.uphill))
        if gap <= max_gap or n_iter == max_iter:
            break
        target = _project(B + length * at.uphill, n_tasks) if n_iter > 1 else _alternate(B, at.G)
        found = _search(problem, B, target - B, at)
        if found is None:
            break
        step, new = found
        curvature = float(np.vdot(step, at.uphill - new.uphill))
        if curvature > 0:
            length = float(np.vdot(step, step)) / curvature
        B, at = B + step, new
    if gap > max_gap:
        warn(
            f"{n_iter} iterations (max_iter={max_iter}) end with a duality gap of {gap:.3g}; "
            f"tol={tol:g} asks for at most {max_gap:.3g} (tol times the loss of a constant "
            "prediction). Increase max_iter or raise tol.",
            ConvergenceWarning,
        )
    return B, at.duals, max(gap, 0.0), n_iter


class _Point:
    """h at a task kernel.

    As task kernels have one trace, multiples of I do not matter in G: without the largest,
    ``uphill`` = G - top I, a step's slope is not lost to cancellation.
    """

    def __init__(self, problem: KernelProblem, task_kernel: Array) -> None:
        self.duals = problem.solve(task_kernel)
        self.value, self.G = problem.objective(self.duals), problem.gramian(self.duals)
        self.top = float(np.linalg.eigvalsh(self.G)[-1])
        self.uphill = self.G - self.top * np.eye(len(self.G))


def _search(
    problem: KernelProblem, B: Array, step: Array, at: _Point
) -> tuple[Array, _Point] | None:
    """A share of the step, and the point it leads to; None where rounding forbids progress.

    Enough of a decrease is seen in the values (Armijo) or, where rounding hides it there, in
    the slopes (Hager and Zhang, SIAM Journal on Optimization 16, 2005, section 4).
    """
    slope, share = -0.5 * problem.alpha * float(np.vdot(at.uphill, step)), 1.0
    for _ in range(30):
        if slope >= 0:
            return None
        new = _Point(problem, B + share * step)
        rise = new.value - at.value
        new_slope = -0.5 * problem.alpha * float(np.vdot(new.uphill, step))
        hidden = abs(rise) <= 1e-12 * at.value and new_slope <= -0.9998 * slope
        if rise <= 1e-4 * share * slope or hidden:
            return share * step, new
        # The minimum of the parabola through what is known, within bounds.
        bend = rise - share * slope
        share *= min(max(-0.5 * share * slope / bend, 0.1), 0.5)
    return None


def _alternate(B: Array, G: Array) -> Array:
    """The best task kernel of trace T for the functions that are best for B."""
    values, vectors = np.linalg.eigh(B @ G @ B)
    root = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    return np.asarray(len(B) / np.trace(root) * root)


def _project(matrix: Array, trace: float) -> Array:
    """Nearest positive semidefinite matrix of the given trace."""
    values, vectors = np.linalg.eigh(matrix)
    descending = values[::-1]
    shift = (np.cumsum(descending) - trace) / np.arange(1, len(values) + 1)
    values = np.maximum(values - shift[np.flatnonzero(descending > shift)[-1]], 0.0)
    return np.asarray((vectors * values) @ vectors.T)
