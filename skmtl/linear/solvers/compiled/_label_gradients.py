r"""Compiled gradients of tasks by themselves: a loss of labels, and a ridge; X is read once.

.. math:: f_{ti} = z_i'\theta_t, \qquad u_{ti} = c_{ti} \, \ell_t'(f_{ti}, y_{ti}), \qquad
          g_t = \sum_i u_{ti} z_i + \rho \theta_t

The features z are rows x of X (n, p) less an offset and, last, a one for the intercept where there
is one, which :math:`\rho` (q,) leaves free. Labels, and what belongs to them, have a row for each
task. Rows of X are taken a chunk at a time, which stays in the cache from the scores of all tasks
to what their slopes add to the gradients.
"""

from __future__ import annotations

from skmtl._compile import smaller
from skmtl.linear.solvers.compiled._losses import slope_and_curvature_of_any
from skmtl.linear.solvers.compiled._row import Array, inlined

CHUNK = 64
"""Rows at a time."""


@inlined
def evaluate(
    X: Array, offset: Array, y: Array, c: Array, codes: Array, deltas: Array, ridge: Array,
    tasks: Array, theta: Array, raw: Array, slope: Array, bend: Array, g: Array, sums: Array,
) -> None:  # fmt: skip
    """Write scores, slopes, curvatures, gradients (n_tasks, q) and sums of curvatures of tasks."""
    (n, p), q = X.shape, len(ridge)
    for t in tasks:
        # Till they are whole: the shift of the scores, and sums of the slopes.
        sums[t] = theta[t, p] if q > p else 0.0
        for j in range(p):
            sums[t] -= offset[j] * theta[t, j]
            g[t, j] = 0.0
    for start in range(0, n, CHUNK):
        stop = smaller(start + CHUNK, n)
        for t in tasks:
            f, u = raw[t, start:stop], slope[t, start:stop]
            forward(X[start:stop], theta[t], sums[t], f)
            slope_and_curvature_of_any(
                codes[t], deltas[t], f, y[t, start:stop], c[t, start:stop], u, bend[t, start:stop]
            )
            backward(X[start:stop], u, g[t])
    for t in tasks:
        total, bent = 0.0, 0.0
        for i in range(n):
            total += slope[t, i]
            bent += bend[t, i]
        for j in range(p):
            g[t, j] += ridge[j] * theta[t, j] - offset[j] * total
        if q > p:
            g[t, p] = total
        sums[t] = bent


@inlined
def forward(x: Array, w: Array, shift: float, f: Array) -> None:
    """Write x w + shift, four rows at a time."""
    whole = len(x) - len(x) % 4
    for i in range(0, whole, 4):
        x0, x1, x2, x3 = x[i], x[i + 1], x[i + 2], x[i + 3]
        f0 = f1 = f2 = f3 = shift
        for j in range(x.shape[1]):
            f0 += x0[j] * w[j]
            f1 += x1[j] * w[j]
            f2 += x2[j] * w[j]
            f3 += x3[j] * w[j]
        f[i], f[i + 1], f[i + 2], f[i + 3] = f0, f1, f2, f3
    for i in range(whole, len(x)):
        f[i] = shift
        for j in range(x.shape[1]):
            f[i] += x[i, j] * w[j]


@inlined
def backward(x: Array, u: Array, g: Array) -> None:
    """Add x'u, four rows at a time."""
    whole = len(x) - len(x) % 4
    for i in range(0, whole, 4):
        x0, x1, x2, x3 = x[i], x[i + 1], x[i + 2], x[i + 3]
        u0, u1, u2, u3 = u[i], u[i + 1], u[i + 2], u[i + 3]
        for j in range(x.shape[1]):
            g[j] += u0 * x0[j] + u1 * x1[j] + u2 * x2[j] + u3 * x3[j]
    for i in range(whole, len(x)):
        for j in range(x.shape[1]):
            g[j] += u[i] * x[i, j]
