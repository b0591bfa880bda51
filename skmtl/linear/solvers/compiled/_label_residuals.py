r"""Compiled sweeps over a quadratic model of the loss, on the rows of sparse X.

For working sets whose Gram matrices would be large. The slope of the model at every label,
:math:`U = s + H (X dW + 1 db')`, is kept next to W and b: what is X'R for squared loss is
:math:`-X'U` here. H are curvatures of the columns and of the pairs of them, as in
`_label_sweeps`; the minus gradient of a row of W is formed when it is its turn.
"""

from __future__ import annotations

import numpy as np

from skmtl.linear.solvers.compiled._anderson import MEMORY, extrapolate, go_back, keep
from skmtl.linear.solvers.compiled._label_sweeps import model_value
from skmtl.linear.solvers.compiled._row import Array, compiled, take_step
from skmtl.linear.solvers.compiled._task_grams import shrink_row_of_tasks

REST = 4
"""Passes over the rows between two visits to the intercepts, which cost one."""


@compiled
def descend_labels(
    data: Array, indices: Array, indptr: Array, begin: Array, first: Array, second: Array,
    bend: Array, U: Array, V: Array, ridge: Array, low: Array, high: Array, l21: Array,
    share: float, least: float, max_iter: int,
) -> int:  # fmt: skip
    """As `descend_label_grams`, over the columns of X, of which the last is 1 for intercepts.

    Row i has the columns of V from ``begin[i]`` on, as many as U has.
    """
    past_V, past_U = np.empty((MEMORY + 1, V.size)), np.empty((MEMORY + 1, U.size))
    V0, H0, H = V.copy(), np.empty_like(V), np.empty_like(V)
    products(data, indices, indptr, begin, U, H0)
    bound = bounds(data, indices, indptr, begin, first, second, bend, V)
    largest, n_past = 0.0, 0
    for n_iter in range(1, max_iter + 1):
        if n_past == 0:
            keep(0, V, past_V, U, past_U)
        n_past += 1
        gain = sweep_labels(
            data, indices, indptr, begin, first, second, bend, bound, U, V, ridge, low, high, l21
        )
        largest = max(largest, gain)
        if gain <= max(least, share * largest):
            return n_iter
        keep(n_past, V, past_V, U, past_U)
        if n_past == MEMORY:
            products(data, indices, indptr, begin, U, H)
            before = model_value(V0, H0, H, V, ridge, low, high, l21)
            extrapolate(past_V, V, past_V, U, past_U)
            products(data, indices, indptr, begin, U, H)
            if not model_value(V0, H0, H, V, ridge, low, high, l21) < before:
                go_back(V, past_V, U, past_U)
            n_past = 0
    return max_iter


@compiled
def products(data: Array, indices: Array, indptr: Array, begin: Array, U: Array, H: Array) -> None:
    """Write -X'U to H."""
    for j in range(len(H)):
        correlate(data, indices, indptr, j, begin, U, H[j])


@compiled
def correlate(
    data: Array, indices: Array, indptr: Array, j: int, begin: Array, U: Array, out: Array
) -> None:
    """Write minus the product of one column with U to ``out``."""
    width = U.shape[1]
    for c in range(len(out)):
        out[c] = 0.0
    if width == 1:
        if len(out) == 1:
            total = 0.0
            for k in range(indptr[j], indptr[j + 1]):
                total += data[k] * U[indices[k], 0]
            out[0] = -total
        else:
            for k in range(indptr[j], indptr[j + 1]):
                i = indices[k]
                out[begin[i]] -= data[k] * U[i, 0]
        return
    for k in range(indptr[j], indptr[j + 1]):
        x, i = data[k], indices[k]
        at, row = begin[i], U[i]
        for c in range(width):
            out[at + c] -= x * row[c]


@compiled
def bounds(
    data: Array, indices: Array, indptr: Array, begin: Array, first: Array, second: Array,
    bend: Array, V: Array,
) -> Array:  # fmt: skip
    """A diagonal above the curvature along each row of V."""
    bound, width = np.zeros(V.shape), bend.shape[1] - len(first)
    for j in range(len(V)):
        for k in range(indptr[j], indptr[j + 1]):
            square, i = data[k] * data[k], indices[k]
            at = begin[i]
            for c in range(width):
                bound[j, at + c] += square * bend[i, c]
            for q in range(len(first)):
                between = square * abs(bend[i, width + q])
                bound[j, at + first[q]] += between
                bound[j, at + second[q]] += between
    return bound


@compiled
def sweep_labels(
    data: Array, indices: Array, indptr: Array, begin: Array, first: Array, second: Array,
    bend: Array, bound: Array, U: Array, V: Array,
    ridge: Array, low: Array, high: Array, l21: Array,
) -> float:  # fmt: skip
    """Minimise over the rows of V in turn, the intercepts in between; what it gains at least."""
    gain, last, passed = 0.0, len(V) - 1, 0
    step = np.empty(V.shape[1])
    for j in range(len(V)):
        gain += descend_row(
            data, indices, indptr, j, begin, first, second, bend, bound, U, V, step,
            ridge, low, high, l21,
        )  # fmt: skip
        passed += indptr[j + 1] - indptr[j]
        if passed >= REST * len(U) and j < last - 1:
            gain += descend_row(
                data, indices, indptr, last, begin, first, second, bend, bound, U, V, step,
                ridge, low, high, l21,
            )  # fmt: skip
            passed = 0
    return gain


@compiled
def descend_row(
    data: Array, indices: Array, indptr: Array, j: int, begin: Array, first: Array, second: Array,
    bend: Array, bound: Array, U: Array, V: Array, step: Array,
    ridge: Array, low: Array, high: Array, l21: Array,
) -> float:  # fmt: skip
    """Minimise over one row of V; what it gains at least."""
    gain, width = 0.0, U.shape[1]
    correlate(data, indices, indptr, j, begin, U, step)
    for c in range(len(step)):
        step[c] += bound[j, c] * V[j, c]
    shrink_row_of_tasks(step, bound[j], ridge[j], low[j], high[j], l21[j])
    if not take_step(V[j], step):
        return gain
    for c in range(len(step)):
        gain += 0.5 * (bound[j, c] + ridge[j]) * step[c] * step[c]
    if len(step) == 1:
        for k in range(indptr[j], indptr[j + 1]):
            i = indices[k]
            U[i, 0] += data[k] * step[0] * bend[i, 0]
        return gain
    for k in range(indptr[j], indptr[j + 1]):
        x, i = data[k], indices[k]
        at, row, h = begin[i], U[i], bend[i]
        for c in range(width):
            row[c] += x * h[c] * step[at + c]
        for q in range(len(first)):
            h_q = x * h[width + q]
            row[first[q]] += h_q * step[at + second[q]]
            row[second[q]] += h_q * step[at + first[q]]
    return gain
