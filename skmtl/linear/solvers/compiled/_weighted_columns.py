r"""Compiled sweeps over a quadratic model of the loss, for one column of W and sparse X.

The model is that of `_label_residuals`. Columns are kept times the root of the curvatures h, and
slopes over it,

.. math:: \tilde x_{ij} = \sqrt{h_i} \, x_{ij}, \quad \tilde u_i = \frac{u_i}{\sqrt{h_i}}
          \quad\Rightarrow\quad \sum_i x_{ij} u_i = \sum_i \tilde x_{ij} \tilde u_i, \quad
          \tilde u \leftarrow \tilde u + \tilde x_j \, dw_j,

so that sweeps read nothing but the columns of the working set, one after the other, and one vector.
"""

from __future__ import annotations

import numpy as np

from skmtl._compile import larger, smaller
from skmtl.linear.solvers.compiled._anderson import MEMORY, extrapolate, go_back, keep
from skmtl.linear.solvers.compiled._label_grams import ROUNDING
from skmtl.linear.solvers.compiled._label_sweeps import rows_value
from skmtl.linear.solvers.compiled._row import Array, compiled, compiled_inside, inlined


@compiled
def weigh_columns(
    data: Array, indices: Array, indptr: Array, rows: Array, root: Array, free: bool,
    weighted: Array, places: Array, ends: Array, bound: Array, sums: Array,
) -> None:  # fmt: skip
    """Write columns times ``root``, and their curvatures less what free intercepts make up for.

    Column a ends at ``ends[a + 1]``. ``sums`` are those of h times the column; the last is of h.
    """
    m, total = len(rows), np.dot(root, root)
    for a in range(m):
        start, stop = indptr[rows[a]], indptr[rows[a] + 1]
        ends[a + 1] = ends[a] + stop - start
        x, at = data[start:stop], indices[start:stop]
        out, out_at = weighted[ends[a] : ends[a + 1]], places[ends[a] : ends[a + 1]]
        square, along = 0.0, 0.0
        for k in range(len(x)):
            h = root[at[k]]
            out[k], out_at[k] = h * x[k], at[k]
            square += out[k] * out[k]
            along += h * out[k]
        sums[a] = along if free else 0.0
        left = square - along * along / total if free and total > 0.0 else square
        bound[a] = left if left > ROUNDING * square else 0.0
    sums[m] = total if free else 0.0


@compiled
def descend_weighted_columns(
    weighted: Array, places: Array, ends: Array, root: Array, bound: Array, sums: Array,
    U: Array, V: Array, ridge: Array, low: Array, high: Array, l21: Array,
    share: float, max_iter: int,
) -> int:  # fmt: skip
    """As `descend_labels`, for slopes U (n, 1) over ``root``; a free intercept is last in V."""
    past_V, past_U = np.empty((MEMORY + 1, V.size)), np.empty((MEMORY + 1, U.size))
    U0, start_b, m = U.copy(), V[-1, 0], len(bound)
    largest, n_past = 0.0, 0
    for n_iter in range(1, max_iter + 1):
        total = sum_of(root, U)
        if n_past == 0:
            keep(0, V, past_V, U, past_U)
        n_past += 1
        gain = sweep_weighted_columns(
            weighted, places, ends, bound, sums, total, U[:, 0], V[:, 0], ridge, low, high
        )
        total = sum_of(root, U)
        if sums[m] > 0.0:
            V[m, 0] = start_b - total / sums[m]
        largest = larger(largest, gain)
        if gain <= share * largest:
            return n_iter
        keep(n_past, V, past_V, U, past_U)
        if n_past == MEMORY:
            before = change_of_model(U0, U, total, sums[m]) + rows_value(V, ridge, low, high, l21)
            extrapolate(past_V, V, past_V, U, past_U)
            total = sum_of(root, U)
            after = change_of_model(U0, U, total, sums[m]) + rows_value(V, ridge, low, high, l21)
            if not after < before:
                go_back(V, past_V, U, past_U)
            n_past = 0
    return max_iter


@compiled_inside
def sum_of(root: Array, U: Array) -> float:
    """Sum of the slopes."""
    total = 0.0
    for i in range(len(root)):
        total += root[i] * U[i, 0]
    return total


@compiled
def change_of_model(U0: Array, U: Array, total: float, weight: float) -> float:
    r"""The model less its start, with the best intercept: :math:`(u'u - u_0'u_0 - s^2 / S) / 2`."""
    change = 0.0
    for i in range(len(U)):
        change += (U[i, 0] - U0[i, 0]) * (U[i, 0] + U0[i, 0])
    return 0.5 * (change - (total * total / weight if weight > 0.0 else 0.0))


@inlined
def sweep_weighted_columns(
    weighted: Array, places: Array, ends: Array, bound: Array, sums: Array, total: float,
    U: Array, V: Array, ridge: Array, low: Array, high: Array,
) -> float:  # fmt: skip
    """Minimise over the coefficients in turn; what it gains at least."""
    gain, m = 0.0, len(bound)
    inverse = 1.0 / sums[m] if sums[m] > 0.0 else 0.0
    for a in range(m):
        x, at = weighted[ends[a] : ends[a + 1]], places[ends[a] : ends[a + 1]]
        curvature = bound[a] + ridge[a]
        z = bound[a] * V[a] - product(x, at, U) + sums[a] * inverse * total
        z -= smaller(larger(z, low[a]), high[a])
        # A column that is zero has no curvature and no say.
        step = (z / curvature if bound[a] > 0.0 else 0.0) - V[a]
        if step != 0.0:
            V[a] += step
            gain += 0.5 * curvature * step * step
            total += sums[a] * step
            for k in range(len(x)):
                U[at[k]] += step * x[k]
    return gain


@compiled
def add_columns(
    data: Array, indices: Array, indptr: Array, rows: Array, step: Array, out: Array
) -> None:
    """Add some columns of X times ``step`` to ``out``."""
    for a in range(len(rows)):
        if step[a] != 0.0:
            start, stop = indptr[rows[a]], indptr[rows[a] + 1]
            x, at = data[start:stop], indices[start:stop]
            for k in range(len(x)):
                out[at[k]] += step[a] * x[k]


@inlined
def product(x: Array, at: Array, U: Array) -> float:
    """Inner product of a column with U, in four sums: as gathers of vectors it takes longer."""
    a = b = c = d = 0.0
    n_whole = len(x) - len(x) % 4
    for k in range(0, n_whole, 4):
        a += x[k] * U[at[k]]
        b += x[k + 1] * U[at[k + 1]]
        c += x[k + 2] * U[at[k + 2]]
        d += x[k + 3] * U[at[k + 3]]
    for k in range(n_whole, len(x)):
        a += x[k] * U[at[k]]
    return (a + b) + (c + d)
