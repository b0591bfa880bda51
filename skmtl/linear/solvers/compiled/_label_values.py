r"""Compiled objectives of tasks with a ridge each: gradients and duality gaps.

.. math:: \sum_i c_{ti} \, \ell_t(y_{ti}, z_i'\theta_t) + \tfrac12 \sum_j \rho_j \theta_{tj}^2

The features z are rows x of X (n, p) less an offset, and a one for the intercept, which
:math:`\rho` leaves free; vectors go on with unknowns that have no features, up to a multiple of 4.
Labels, and what belongs to them, have a row for each task. Rows of X are taken a chunk at a time,
which stays in the cache from the scores of all tasks to what their slopes add to the gradients.
"""

from __future__ import annotations

import numpy as np

from skmtl.linear.solvers.compiled._losses import (
    loss_conjugate,
    loss_slope_and_curvature,
    loss_value,
)
from skmtl.linear.solvers.compiled._newton_matrix import CHUNK, inner
from skmtl.linear.solvers.compiled._row import Array, compiled_inside


@compiled_inside
def evaluate(data: tuple, tasks: Array, theta: Array, labels: tuple, g: Array) -> None:
    """Write ``labels``, scores and two derivatives of the losses, and gradients g of some tasks.

    ``data`` are X, offset, y and c (n_tasks, n), codes and parameters of the losses, and ridge.
    """
    (X, offset, y, c, codes, deltas, ridge), (scores, slope, bend) = data, labels
    (n, p), m = X.shape, len(tasks)
    W, shift, has_intercept = np.empty((p, m)), np.empty(m), ridge[p] == 0.0
    for a in range(m):
        t = tasks[a]
        for j in range(p):
            W[j, a] = theta[t, j]
        shift[a] = (theta[t, p] if has_intercept else 0.0) - inner(offset, theta[t, :p])
    raw, some = np.empty((CHUNK, m)), np.empty((m, CHUNK))
    products, part, total = np.zeros((m, p)), np.empty((m, p)), np.zeros(m)
    for start in range(0, n, CHUNK):
        stop = min(start + CHUNK, n)
        x, own = X[start:stop], some.reshape(-1)[: m * (stop - start)].reshape(m, stop - start)
        forward(x, W, raw[: len(x)])
        for a in range(m):
            t = tasks[a]
            f, s = scores[t, start:stop], own[a]
            for i in range(len(f)):
                f[i] = raw[i, a] + shift[a]
            loss_slope_and_curvature(
                codes[t], deltas[t], f, y[t, start:stop], c[t, start:stop], s, bend[t, start:stop]
            )  # fmt: skip
            for i in range(len(f)):
                slope[t, start + i] = s[i]
                total[a] += s[i]
        backward(own, x, part, products)
    for a in range(m):
        t = tasks[a]
        for j in range(p):
            g[t, j] = products[a, j] - offset[j] * total[a] + ridge[j] * theta[t, j]
        for j in range(p, len(ridge)):
            g[t, j] = total[a] if has_intercept and j == p else 0.0


@compiled_inside
def forward(x: Array, W: Array, raw: Array) -> None:
    """Write x W; of one column there is a faster product."""
    if W.shape[1] == 1:
        np.dot(x, W.reshape(-1), raw.reshape(-1))
    else:
        np.dot(x, W, raw)


@compiled_inside
def backward(slopes: Array, x: Array, part: Array, products: Array) -> None:
    """Add slopes times x, by way of ``part``."""
    if len(slopes) == 1:
        np.dot(slopes.reshape(-1), x, part.reshape(-1))
    else:
        np.dot(slopes, x, part)
    for a in range(len(part)):
        for j in range(part.shape[1]):
            products[a, j] += part[a, j]


@compiled_inside
def expected_gap(g: Array, ridge: Array, bend: Array) -> float:
    r"""Gap at a gradient, :math:`\sum_j g_j^2 / 2 \rho_j`; a free intercept has its curvature."""
    total = 0.0
    for j in range(len(g)):
        if ridge[j] > 0.0:
            total += 0.5 * g[j] * g[j] / ridge[j]
        elif g[j] != 0.0:
            total += 0.5 * g[j] * g[j] / sum_of(bend)
    return total


@compiled_inside
def sum_of(x: Array) -> float:
    """Sum of the entries; a method would compile more than a loop."""
    total = 0.0
    for i in range(len(x)):
        total += x[i]
    return total


@compiled_inside
def duality_gap(
    data: tuple, t: int, theta: Array, scores: Array, slope: Array, bend: Array
) -> float:
    r"""Primal value of a task less the dual one, of the slope u moved until it sums to 0.

    .. math:: F(Z'\theta) + \tfrac12 \sum_j \rho_j \theta_j^2
              + F^*(u) + \sum_j \frac{(Z u)_j^2}{2 \rho_j}

    It is moved where the intercept is free. The bound is 0 at least, as losses are.
    """
    X, offset, y, c, codes, deltas, ridge = data
    p = X.shape[1]
    primal = loss_value(codes[t], deltas[t], scores, y[t], c[t])
    u = np.empty_like(slope)
    move = 0.0
    if ridge[p] == 0.0:
        total = sum_of(bend)
        if not (total > 0.0):
            return np.inf
        move = sum_of(slope) / total
    for i in range(len(u)):
        u[i] = slope[i] - move * bend[i]
    products, total = np.dot(u, X), sum_of(u)
    bound = -loss_conjugate(codes[t], deltas[t], u, y[t], c[t])
    for j in range(p):
        product = products[j] - offset[j] * total
        primal += 0.5 * ridge[j] * theta[j] * theta[j]
        bound -= 0.5 * product * product / ridge[j]
    gap = primal - max(bound, 0.0)
    return max(gap, 0.0) if gap < np.inf else np.inf
