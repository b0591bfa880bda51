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

import math
from functools import cache
from typing import Any

import numpy as np

from skmtl._compile import address_of, called_by_address, larger, smaller
from skmtl.linear.solvers.compiled._anderson import MEMORY, extrapolate, keep
from skmtl.linear.solvers.compiled._row import Array, compiled, compiled_inside, inlined, take_step
from skmtl.linear.solvers.compiled._task_grams import shrink_row_of_tasks


def descend_label_grams(
    G: Array, first: Array, second: Array, bound: Array, H: Array, V: Array,
    ridge: Array, low: Array, high: Array, l21: Array, share: float, max_iter: int,
) -> int:  # fmt: skip
    """Sweep in place; the sweeps done.

    Ends where a sweep gains at most ``share`` of the largest gain before it. Gains are the squares
    of the steps times half their curvature: the model falls by that at least. Python leads from one
    extrapolation to the next, so that only what a fit comes to is compiled.
    """
    past_V, past_H = np.empty((MEMORY + 1, V.size)), np.empty((MEMORY + 1, V.size))
    V0, H0, of_rows = V.copy(), H.copy(), (ridge, low, high, l21)
    sweep_at, model = address_of_sweep(), (G, bound, H, V)
    if V.shape[1] == 1:
        # What is read one after the other lies so: rows of matrices.
        sweep_at, m = address_of_sweep_of_one(), len(V)
        model = G.reshape(1, m, m), bound.reshape(1, m), H.reshape(1, m), V.reshape(1, m)
    step, n_iter, largest, ended = np.empty(V.shape[1]), 0, 0.0, False
    while not ended and n_iter < max_iter:
        n_more, largest, ended = a_few_sweeps(
            sweep_at, first, second, *model, step, *of_rows,
            largest, share, min(MEMORY, max_iter - n_iter), past_V, past_H,
        )  # fmt: skip
        n_iter += n_more
        if n_more == MEMORY and not ended:
            accelerate(V0, H0, H, V, past_V, past_H, *of_rows)
    return n_iter


OF_SWEEP = """float64(
    float64[:, :, ::1], int64[::1], int64[::1], float64[:, ::1], float64[:, ::1], float64[:, ::1],
    float64[::1], float64[::1], float64[::1], float64[::1], float64[::1]
)"""

call_sweep = called_by_address(OF_SWEEP)


@cache
def address_of_sweep() -> Any:
    """Where `sweep_columns` is, once it is compiled."""
    return address_of(sweep_columns, OF_SWEEP)


@cache
def address_of_sweep_of_one() -> Any:
    """Where `sweep_one_column` is, once it is compiled."""
    return address_of(sweep_one_column, OF_SWEEP)


@compiled
def a_few_sweeps(
    sweep_at: Any, first: Array, second: Array, G: Array, bound: Array, H: Array, V: Array,
    step: Array, ridge: Array, low: Array, high: Array, l21: Array,
    largest: float, share: float, max_iter: int, past_V: Array, past_H: Array,
) -> tuple:  # fmt: skip
    """Sweeps till they end, or are ``max_iter``: (sweeps, largest gain so far, whether they ended).

    All iterates are remembered.
    """
    keep(0, V, past_V, H, past_H)
    for n_iter in range(1, max_iter + 1):
        gain = call_sweep(sweep_at, (G, first, second, bound, H, V, step, ridge, low, high, l21))
        largest = larger(largest, gain)
        if gain <= share * largest:
            return n_iter, largest, True
        keep(n_iter, V, past_V, H, past_H)
    return max_iter, largest, False


@compiled_inside
def sweep_one_column(
    G: Array, first: Array, second: Array, bound: Array, H: Array, V: Array, step: Array,
    ridge: Array, low: Array, high: Array, l21: Array,
) -> float:  # fmt: skip
    """As `sweep_columns`, for the transpose of one column, whose norms are absolute values."""
    G, bound, H, V = G[0], bound[0], H[0], V[0]
    gain = 0.0
    for j in range(len(V)):
        curvature = bound[j] + ridge[j]
        z = H[j] + bound[j] * V[j]
        z -= smaller(larger(z, low[j]), high[j])
        # A column that is zero has no curvature and no say.
        change = (z / curvature if bound[j] > 0.0 else 0.0) - V[j]
        if change != 0.0:
            V[j] += change
            gain += 0.5 * curvature * change * change
            for k in range(len(V)):
                H[k] -= G[j, k] * change
    return gain


@compiled_inside
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


def accelerate(
    V0: Array, H0: Array, H: Array, V: Array, past_V: Array, past_H: Array, *of_rows: Array
) -> None:
    """Move V, and H with it, to Anderson's combination of the past where that is better."""
    before = value_of_model(V0, H0, H, V, *of_rows)
    extrapolate_both(past_V, V, past_H, H)
    if not value_of_model(V0, H0, H, V, *of_rows) < before:
        V[:], H[:] = past_V[-1].reshape(V.shape), past_H[-1].reshape(H.shape)


def value_of_model(V0: Array, H0: Array, H: Array, V: Array, *of_rows: Array) -> float:
    """`model_value`, of what is compiled already."""
    return rows_value(V, *of_rows) - 0.5 * float(np.vdot(V - V0, H0 + H))


@compiled
def extrapolate_both(past_V: Array, V: Array, past_H: Array, H: Array) -> None:
    """`extrapolate` to where V rests."""
    extrapolate(past_V, V, past_V, H, past_H)


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
            lowest = smaller(lowest, v)
        if lowest < 0.0 and low[j] == -np.inf:
            return np.inf
        total += l21[j] * math.sqrt(square) + high[j] * absolute + 0.5 * ridge[j] * square
    return total
