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
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from skmtl._compile import address_of, called_by_address, larger, smaller
from skmtl.linear.solvers.compiled._anderson import MEMORY, extrapolate, go_back, remember
from skmtl.linear.solvers.compiled._row import Array, compiled, compiled_inside, inlined, take_step
from skmtl.linear.solvers.compiled._task_grams import shrink_row_of_tasks


def descend_label_grams(
    G: Array, first: Array, second: Array, bound: Array, H: Array, V: Array,
    of_rows: Sequence[Array], share: float, max_iter: int,
) -> int:  # fmt: skip
    """Sweep in place; the sweeps done. Of every row are a ridge, a band and a radius.

    Ends where a sweep gains at most ``share`` of the largest gain before it. Gains are the squares
    of the steps times half their curvature: the model falls by that at least.
    """
    sweep_at, swept = address_of_sweep(), (G, bound, H, V)
    if V.shape[1] == 1:
        # What is read one after the other lies so: rows of matrices.
        sweep_at, m = address_of_sweep_of_one(), len(V)
        swept = G.reshape(1, m, m), bound.reshape(1, m), H.reshape(1, m), V.reshape(1, m)
    rest = (
        first, second, *swept, np.empty(V.shape[1]), *of_rows, share, max_iter,
        np.array([V, H]), V, H, np.empty((2, MEMORY + 1, V.size)),
    )  # fmt: skip
    # Compiled when a fit comes to it.
    is_compiled = address_of_acceleration.cache_info().currsize > 0
    accelerate_at = address_of_acceleration() if is_compiled else 0
    n_iter, largest, has_ended = descend(sweep_at, accelerate_at, 0, 0, 0.0, *rest)
    if not has_ended:
        accelerate_at = address_of_acceleration()
        n_iter, _, _ = descend(sweep_at, accelerate_at, MEMORY, n_iter, largest, *rest)
    return int(n_iter)


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


OF_ACCELERATION = """void(
    float64[:, ::1], float64[:, ::1], float64[:, ::1], float64[:, ::1],
    float64[:, ::1], float64[:, ::1], float64[::1], float64[::1], float64[::1], float64[::1]
)"""

call_acceleration = called_by_address(OF_ACCELERATION)


@cache
def address_of_acceleration() -> Any:
    """Where `accelerate` is, once it is compiled."""
    return address_of(accelerate, OF_ACCELERATION)


@compiled
def descend(
    sweep_at: Any, accelerate_at: Any, n_past: int, n_iter: int, largest: float,
    first: Array, second: Array, G: Array, bound: Array, swept_H: Array, swept_V: Array,
    step: Array, ridge: Array, low: Array, high: Array, l21: Array, share: float, max_iter: int,
    start: Array, V: Array, H: Array, past: Array,
) -> tuple:  # fmt: skip
    """Sweeps with what they call: (sweeps, largest gain, whether they have ended).

    They end, too, at the first extrapolation where ``accelerate_at`` is 0. ``start`` and ``past``
    are of V and H; the past is that of ``n_past`` sweeps at first.
    """
    V0, H0, past_V, past_H = start[0], start[1], past[0], past[1]
    while True:
        remember(V, past_V[n_past])
        remember(H, past_H[n_past])
        if n_past == MEMORY:
            if accelerate_at == 0:
                return n_iter, largest, False
            call_acceleration(accelerate_at, (V0, H0, H, V, past_V, past_H, ridge, low, high, l21))
            n_past = 0
            continue
        if n_iter == max_iter:
            return n_iter, largest, True
        gain = call_sweep(
            sweep_at, (G, first, second, bound, swept_H, swept_V, step, ridge, low, high, l21)
        )
        n_iter, n_past = n_iter + 1, n_past + 1
        largest = larger(largest, gain)
        if gain <= share * largest:
            return n_iter, largest, True


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


@compiled_inside
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
            lowest = smaller(lowest, v)
        if lowest < 0.0 and low[j] == -np.inf:
            return np.inf
        total += l21[j] * math.sqrt(square) + high[j] * absolute + 0.5 * ridge[j] * square
    return total
