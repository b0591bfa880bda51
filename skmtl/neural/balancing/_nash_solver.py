"""Nash's bargaining solution and its alpha-fair relatives, by Newton's method."""

from __future__ import annotations

import numpy as np

from skmtl._compile import compiler
from skmtl.neural.balancing._cosines import Array, positive_definite

MAX_STEPS = 100
compiled = compiler(fastmath={"reassoc", "contract"})
# Entries of a stay below 1 / sqrt(RIDGE): in float32, what cancels must cancel to the last digit.
RIDGE = 1e-13


def bargain(cosines: Array, scale: Array, power: float) -> Array:
    r"""Solve :math:`Ga = c\,a^{-p}`, :math:`a > 0`, entry by entry.

    That is the stationarity of the convex :math:`\frac12 a'Ga - \sum_t c_t \phi(a_t)` with
    :math:`\phi'(a) = a^{-p}`. The gains :math:`y = Ga` are unknowns of their own, both kept
    positive, and Newton steps are taken on

    .. math:: Ga = y, \quad p \log a + \log y = \log c,

    damped where a or y would change sign, as in interior-point methods.

    Where the gradients can cancel each other (a Pareto-stationary point) no solution exists:
    the ridge of G then bounds a, and the direction is 0 along what cancels.

    Parameters
    ----------
    cosines : array of shape (n_tasks, n_tasks)
        G, of gradients of norm 1.
    scale : array of shape (n_tasks,)
        c > 0.
    power : float
        p > 0.

    Returns
    -------
    a : ndarray of shape (n_tasks,)
        The solution.
    """
    return _newton(positive_definite(cosines, RIDGE), np.asarray(scale, dtype=float), float(power))


@compiled
def _newton(matrix: Array, scale: Array, power: float) -> Array:
    # The solution where gradients are orthogonal.
    a = scale ** (1.0 / (1.0 + power))
    y = a.copy()
    residual, is_near = np.inf, False
    for _ in range(MAX_STEPS):
        product = matrix @ a
        excess = np.log(scale) - power * np.log(a) - np.log(y)
        last, residual = residual, max(np.abs(excess).max(), np.abs(product / y - 1.0).max())
        # Near the solution a step squares the residual, down to rounding.
        if residual <= 1e-13 or (is_near and residual > 0.5 * last):
            break
        # (G + diag(p y / a)) da = y (1 + excess) - G a, brought to a diagonal of at least 1.
        root = np.sqrt(a / (power * y))
        system = matrix * root * root.reshape(-1, 1)
        for t in range(len(a)):
            system[t, t] += 1.0
        change = root * _solve(system, root * (y * (1.0 + excess) - product)) / a
        gain = excess - power * change
        step = min(1.0, 0.95 / max(-change.min(), -gain.min(), 1e-300))
        is_near = max(np.abs(change).max(), np.abs(gain).max()) < 0.1
        a *= 1.0 + step * change
        y *= 1.0 + step * gain
    return a


@compiled
def _solve(A: Array, b: Array) -> Array:
    """Solve with the Cholesky factor of a positive definite matrix; both are overwritten."""
    n = len(b)
    for i in range(n):
        for j in range(i + 1):
            rest = A[i, j]
            for k in range(j):
                rest -= A[i, k] * A[j, k]
            A[i, j] = rest / A[j, j] if j < i else np.sqrt(rest)
        for k in range(i):
            b[i] -= A[i, k] * b[k]
        b[i] /= A[i, i]
    for i in range(n - 1, -1, -1):
        b[i] /= A[i, i]
        for k in range(i):
            b[k] -= A[i, k] * b[i]
    return b
