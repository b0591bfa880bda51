r"""A compiled step of Newton's method for one task with little data.

.. math:: d = -\tilde H^{-1} g, \qquad \theta^+ = \theta + t d, \qquad
          g^+ = \sum_i c_i \, \ell'(z_i'\theta^+, y_i) \, z_i + \rho \theta^+

with the inverse of a matrix H that the last steps have corrected (`newton._secants`). Features z
and penalties :math:`\rho` are those of `_label_gradients`.
"""

from __future__ import annotations

from skmtl.linear.solvers.compiled._label_gradients import backward, forward
from skmtl.linear.solvers.compiled._losses import slope_and_curvature_of_any
from skmtl.linear.solvers.compiled._row import Array, compiled

HERE, AHEAD, GRADIENT = 0, 1, 2
"""Rows of the vectors: theta, what is ahead, the gradient there; then that at theta, and d."""

N_VECTORS, MEMORY = 5, 8
"""Their number; below them are the last steps, and the changes of the gradient along these."""


@compiled
def walk(
    X: Array, offset: Array, y: Array, c: Array, code: int, delta: float, ridge: Array,
    inverse: Array, vectors: Array, labels: Array, shares: Array, n_past: int, t: float,
) -> tuple:  # fmt: skip
    """Go ahead by t, along a new direction where t is 1: derivatives at both ends, and the gap.

    Of the inverse, the half above the diagonal is read. Scores, slopes and curvatures are written
    to ``labels`` (3, n). The step is the one after ``n_past`` others; ``shares`` (2, MEMORY) are
    what steps and changes are divided by. The gap is about that, and the sum of curvatures comes
    with it.
    """
    (n, p), q = X.shape, len(ridge)
    x, ahead, g, before, d = vectors[0], vectors[1], vectors[2], vectors[3], vectors[4]
    raw, slope, bend = labels[0], labels[1], labels[2]
    if t == 1.0:
        for j in range(q):
            before[j], d[j] = g[j], 0.0
        for k in range(n_past - 1, -1, -1):
            along = 0.0
            for j in range(q):
                along += vectors[N_VECTORS + k, j] * g[j]
            shares[1, k] = shares[0, k] * along
            for j in range(q):
                g[j] -= shares[1, k] * vectors[N_VECTORS + MEMORY + k, j]
        for i in range(q):
            along = inverse[i, i] * g[i]
            for j in range(i + 1, q):
                along += inverse[i, j] * g[j]
                d[j] -= inverse[i, j] * g[i]
            d[i] -= along
        for k in range(n_past):
            along = 0.0
            for j in range(q):
                along += vectors[N_VECTORS + MEMORY + k, j] * d[j]
            along = shares[1, k] + shares[0, k] * along
            for j in range(q):
                d[j] -= along * vectors[N_VECTORS + k, j]
    start, shift = 0.0, 0.0
    for j in range(q):
        start += before[j] * d[j]
        ahead[j] = x[j] + t * d[j]
        g[j] = 0.0
        shift += ahead[j] if j == p else -offset[j] * ahead[j]
    forward(X, ahead, shift, raw)
    slope_and_curvature_of_any(code, delta, raw, y, c, slope, bend)
    backward(X, slope, g)
    total, bent = 0.0, 0.0
    for i in range(n):
        total += slope[i]
        bent += bend[i]
    along, expected, turn = 0.0, 0.0, 0.0
    for j in range(q):
        g[j] += total if j == p else ridge[j] * ahead[j] - offset[j] * total
        expected += 0.5 * g[j] * g[j] / (bent if j == p else ridge[j])
        along += g[j] * d[j]
        vectors[N_VECTORS + n_past, j] = t * d[j]
        vectors[N_VECTORS + MEMORY + n_past, j] = g[j] - before[j]
        turn += t * d[j] * (g[j] - before[j])
    shares[0, n_past] = 1.0 / turn if turn > 0.0 else 0.0
    return start, along, expected, bent
