r"""Compiled block descent where every task has a Gram matrix of its own.

:math:`H_{\cdot t} = q_t - G_t w_t` is kept next to W. The Gram matrices lie side by side, so that
a row of W is one loop over the tasks.
"""

from __future__ import annotations

import math

import numpy as np

from skmtl._compile import larger, smaller
from skmtl.linear.solvers.compiled._anderson import MEMORY, keep
from skmtl.linear.solvers.compiled._gram import accelerate, gram_gap
from skmtl.linear.solvers.compiled._row import Array, compiled, compiled_inside, inlined, take_step

NEWTON_STEPS = 50
"""Far more than a root takes; one does where all curvatures are equal."""


@compiled
def descend_task_grams(
    G: Array, Q: Array, H: Array, W: Array, squares: float,
    ridge: float, low: Array, high: Array, l21: Array, max_gap: float, max_iter: int,
) -> int:  # fmt: skip
    """`descend_gram` for G (p, p, T), the Gram matrices of the tasks side by side."""
    past_W, past_H = np.empty((MEMORY + 1, W.size)), np.empty((MEMORY + 1, W.size))
    step = np.empty(W.shape[1])
    n_past = 0
    for n_iter in range(1, max_iter + 1):
        if n_past == 0:
            keep(0, W, past_W, H, past_H)
        n_past += 1
        if not sweep_task_grams(G, H, W, step, ridge, low, high, l21):
            return n_iter - 1
        keep(n_past, W, past_W, H, past_H)
        if gram_gap(Q, H, W, squares, ridge, low, high, l21)[0] <= max_gap:
            return n_iter
        if n_past == MEMORY:
            accelerate(Q, H, W, past_W, past_H, ridge, low, high, l21)
            n_past = 0
    return max_iter


@inlined
def sweep_task_grams(
    G: Array, H: Array, W: Array, step: Array, ridge: float, low: Array, high: Array, l21: Array
) -> bool:
    """Minimise over the rows of W in turn; whether anything moved."""
    moved = False
    for j in range(len(W)):
        for t in range(len(step)):
            step[t] = H[j, t] + G[j, j, t] * W[j, t]
        shrink_row_of_tasks(step, G[j, j], ridge, low[j], high[j], l21[j])
        if take_step(W[j], step):
            moved = True
            update(G[j], H, step)
    return moved


@compiled
def residual_products(G: Array, Q: Array, W: Array) -> Array:
    r""":math:`q_t - G_t w_t` for every task, (p, T)."""
    H = Q.copy()
    for j in range(len(W)):
        if W[j].any():
            update(G[j], H, W[j])
    return H


@compiled_inside
def update(G: Array, H: Array, step: Array) -> None:
    """Tell H (p, T) that a row of W has changed by ``step``; G (p, T) are its columns."""
    for k in range(len(H)):
        for t in range(len(step)):
            H[k, t] -= G[k, t] * step[t]


@inlined
def shrink_row_of_tasks(
    z: Array, curvature: Array, ridge: float, low: float, high: float, l21: float
) -> None:
    r"""Replace z by the minimiser of :math:`\tfrac12 \sum_t c_t w_t^2 - z'w` plus the row penalty.

    .. math:: w_t = \frac{\rho \, s_t}{\rho \, c_t + \mathrm{l21}}, \quad s = S(z), \quad
              c_t = d_t + \mathrm{ridge}, \quad
              \Bigl( \sum_t \frac{s_t^2}{(\rho \, c_t + \mathrm{l21})^2} \Bigr)^{-1/2} = 1

    The left side is increasing and concave in :math:`\rho = \|w\|`, so that Newton's method from
    0 grows to the root and does not overshoot (Moré and Sorensen, "Computing a trust region
    step", SIAM J. Scientific and Statistical Computing 4, 1983, section 3).
    """
    square = 0.0
    for t in range(len(z)):
        z[t] -= smaller(larger(z[t], low), high)
        # A column that is zero has no curvature and no say.
        if curvature[t] + ridge <= 0.0:
            z[t] = 0.0
        square += z[t] * z[t]
    if square <= l21 * l21:
        for t in range(len(z)):
            z[t] = 0.0
        return
    rho = 1.0
    if l21 > 0.0:
        rho = norm_of_row(z, curvature, ridge, l21)
    for t in range(len(z)):
        if z[t] != 0.0:
            z[t] *= rho / (rho * (curvature[t] + ridge) + l21)


@inlined
def norm_of_row(s: Array, curvature: Array, ridge: float, l21: float) -> float:
    r"""The root :math:`\rho` of `shrink_row_of_tasks`."""
    rho = 0.0
    for _ in range(NEWTON_STEPS):
        square, slope = 0.0, 0.0
        for t in range(len(s)):
            c = curvature[t] + ridge
            v = s[t] / (rho * c + l21)
            square += v * v
            slope += v * v * c / (rho * c + l21)
        norm = math.sqrt(square)
        # (1 - 1 / norm) over the slope of 1 / norm, slope / norm^3.
        change = (norm - 1.0) * square / slope if slope > 0.0 else 0.0
        rho += change
        if change <= 1e-14 * rho:
            break
    return rho
