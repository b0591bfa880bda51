"""What tasks agree on when each weighs its own gain."""

from __future__ import annotations

import numpy as np

from skmtl.neural.balancing._cosines import Array, positive_definite

MAX_STEPS = 100
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
    matrix = positive_definite(cosines, RIDGE)
    # The solution where gradients are orthogonal.
    a = y = scale ** (1 / (1 + power))
    residual, is_near = np.inf, False
    for _ in range(MAX_STEPS):
        product = matrix @ a
        excess = np.log(scale) - power * np.log(a) - np.log(y)
        last, residual = residual, max(np.abs(excess).max(), np.abs(product / y - 1).max())
        # Near the solution a step squares the residual, down to rounding.
        if residual <= 1e-13 or (is_near and residual > 0.5 * last):
            break
        # (G + diag(p y / a)) da = y (1 + excess) - G a, brought to a diagonal of at least 1.
        root = np.sqrt(a / (power * y))
        system = root[:, None] * matrix * root + np.eye(len(a))
        change = root * np.linalg.solve(system, root * (y * (1 + excess) - product)) / a
        gain = excess - power * change
        step = min(1.0, 0.95 / max(-change.min(), -gain.min(), 1e-300))
        is_near = bool(np.abs([change, gain]).max() < 0.1)
        a, y = a * (1 + step * change), y * (1 + step * gain)
    return a
