r"""Compiled sweeps over a quadratic model of the loss, on the Gram matrices of its labels.

.. math:: \min_V \langle g, V - V_0 \rangle
          + \tfrac12 \sum_{cd} (v_c - v_{0c})' G_{cd} (v_d - v_{0d})
          + \Omega(V)

Columns c of V are coupled where they are the raw scores of one task, as those of a softmax: pairs
(c, d), c < d, come after the columns themselves along the last axis of G (m, m, C + pairs).
:math:`H = -g - G (V - V_0)`, minus the gradient of the model, is kept next to V. A row of V is
minimised over under diagonal curvatures ``bound`` (m, C), those of its own columns and of the
pairs: this bounds the model from above, so that a step never goes up.
"""

from __future__ import annotations

import numpy as np

from skmtl.linear.solvers.compiled._anderson import MEMORY, extrapolate, go_back, keep
from skmtl.linear.solvers.compiled._row import Array, compiled, compiled_inside, inlined, take_step
from skmtl.linear.solvers.compiled._task_grams import shrink_row_of_tasks


@compiled
def descend_label_grams(
    G: Array, first: Array, second: Array, bound: Array, H: Array, V: Array,
    ridge: Array, low: Array, high: Array, l21: Array, share: float, max_iter: int,
) -> int:  # fmt: skip
    """Sweep in place; the sweeps done.

    Ends where a sweep gains at most ``share`` of the largest gain before it. Gains are the squares
    of the steps times half their curvature: the model falls by that at least.
    """
    past_V, past_H = np.empty((MEMORY + 1, V.size)), np.empty((MEMORY + 1, V.size))
    V0, H0 = V.copy(), H.copy()
    step = np.empty(V.shape[1])
    largest, n_past = 0.0, 0
    for n_iter in range(1, max_iter + 1):
        if n_past == 0:
            keep(0, V, past_V, H, past_H)
        n_past += 1
        if len(step) == 1:
            gain = sweep_one_column(
                G.reshape(len(V), len(V)), bound.reshape(-1), H.reshape(-1), V.reshape(-1),
                ridge, low, high,
            )  # fmt: skip
        else:
            gain = sweep_columns(G, first, second, bound, H, V, step, ridge, low, high, l21)
        largest = max(largest, gain)
        if gain <= share * largest:
            return n_iter
        keep(n_past, V, past_V, H, past_H)
        if n_past == MEMORY:
            accelerate(V0, H0, H, V, past_V, past_H, ridge, low, high, l21)
            n_past = 0
    return max_iter


@inlined
def sweep_one_column(
    G: Array, bound: Array, H: Array, V: Array, ridge: Array, low: Array, high: Array
) -> float:
    """A sweep where V has one column, whose norms of rows are absolute values; what it gains."""
    gain = 0.0
    for j in range(len(V)):
        curvature = bound[j] + ridge[j]
        z = H[j] + bound[j] * V[j]
        z -= min(max(z, low[j]), high[j])
        # A column that is zero has no curvature and no say.
        step = (z / curvature if bound[j] > 0.0 else 0.0) - V[j]
        if step != 0.0:
            V[j] += step
            gain += 0.5 * curvature * step * step
            for k in range(len(V)):
                H[k] -= G[j, k] * step
    return gain


@inlined
def sweep_columns(
    G: Array, first: Array, second: Array, bound: Array, H: Array, V: Array, step: Array,
    ridge: Array, low: Array, high: Array, l21: Array,
) -> float:  # fmt: skip
    """Minimise over the rows of V in turn; what it gains at least."""
    gain = 0.0
    for j in range(len(V)):
        for c in range(len(step)):
            step[c] = H[j, c] + bound[j, c] * V[j, c]
        shrink_row_of_tasks(step, bound[j], ridge[j], low[j], high[j], l21[j])
        if take_step(V[j], step):
            for c in range(len(step)):
                gain += 0.5 * (bound[j, c] + ridge[j]) * step[c] * step[c]
            update_pairs(G[j], first, second, H, step)
    return gain


@inlined
def update_pairs(G: Array, first: Array, second: Array, H: Array, step: Array) -> None:
    """Tell H (m, C) that a row of V has changed by ``step``; G (m, C + pairs) are its columns."""
    n_columns = len(step)
    for k in range(len(H)):
        for c in range(n_columns):
            H[k, c] -= G[k, c] * step[c]
    # Apart from the columns, whose loop would not be vectorised otherwise.
    if len(first) > 0:
        for k in range(len(H)):
            for q in range(len(first)):
                g = G[k, n_columns + q]
                H[k, first[q]] -= g * step[second[q]]
                H[k, second[q]] -= g * step[first[q]]


@inlined
def accelerate(
    V0: Array, H0: Array, H: Array, V: Array, past_V: Array, past_H: Array,
    ridge: Array, low: Array, high: Array, l21: Array,
) -> None:  # fmt: skip
    """Move V, and H with it, to Anderson's combination of the past where that is better."""
    before = model_value(V0, H0, H, V, ridge, low, high, l21)
    extrapolate(past_V, V, past_V, H, past_H)
    if not model_value(V0, H0, H, V, ridge, low, high, l21) < before:
        go_back(V, past_V, H, past_H)


@compiled_inside
def model_value(
    V0: Array, H0: Array, H: Array, V: Array, ridge: Array, low: Array, high: Array, l21: Array
) -> float:
    """The model with its penalty; half the change of H is its part of second order."""
    change = 0.0
    for j in range(len(V)):
        for c in range(V.shape[1]):
            change += (V[j, c] - V0[j, c]) * (H0[j, c] + H[j, c])
    return rows_value(V, ridge, low, high, l21) - 0.5 * change


@compiled
def rows_value(V: Array, ridge: Array, low: Array, high: Array, l21: Array) -> float:
    """Penalty of V (inf outside its domain), with a ridge for each row."""
    total = 0.0
    for j in range(len(V)):
        square, absolute, lowest = 0.0, 0.0, 0.0
        for c in range(V.shape[1]):
            v = V[j, c]
            square += v * v
            absolute += abs(v)
            lowest = min(lowest, v)
        if lowest < 0.0 and low[j] == -np.inf:
            return np.inf
        total += l21[j] * np.sqrt(square) + high[j] * absolute + 0.5 * ridge[j] * square
    return total
