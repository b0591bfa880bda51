r"""A step of proximal Newton for few raw scores in one call: the model, and its minimum.

The model is that of `_label_sweeps`, here from choosing the rows of W to its Gram matrices
G (Q, m, m) and the sweeps, of features less their means under the curvatures. X (p, n) has a
feature in each row; ``bend`` (Q, n) are the curvatures of the columns of W, then of the pairs of
columns of a task.
"""

from __future__ import annotations

import numpy as np

from skmtl.linear.solvers.compiled._anderson import MEMORY, extrapolation_weights, remember
from skmtl.linear.solvers.compiled._label_grams import ROUNDING
from skmtl.linear.solvers.compiled._label_sweeps import rows_value
from skmtl.linear.solvers.compiled._row import (
    Array,
    compiled,
    compiled_inside,
    copy,
    outside,
    take_step,
)
from skmtl.linear.solvers.compiled._task_grams import shrink_row_of_tasks

NEARLY = 0.9
"""Part of its radius from which on a row of zeros is swept over: in grids of 100 alphas to a
thousandth of the largest, each is 7 % smaller than the one before."""


@compiled
def step_of_rows(
    X: Array, first: Array, second: Array, group: Array, free: bool, bend: Array, H: Array,
    sums: Array, W: Array, ridge: float, low: Array, high: Array, l21: Array, share: float,
    max_iter: int, dW: Array, db: Array,
) -> tuple:  # fmt: skip
    """Write the changes of W and of the intercepts; what they gain, and the penalty then.

    H (p, C) is minus the gradient of the loss, ``sums`` (C,) its gradient by the intercepts.
    """
    rows = working_set(H, W, ridge, low, high, l21)
    m, n_columns = len(rows), len(sums)
    size = m + free
    G, bound = np.empty((len(bend), size, size)), np.empty((size, n_columns))
    means = np.zeros((m, n_columns))
    weighted_grams(X, rows, free, group, bend, means, G)
    bound_diagonal(G, first, second, means, bound)
    # Of an intercept, the last row, nothing is penalised.
    terms = np.zeros((4, size))
    V0, H0 = np.zeros((size, n_columns)), np.empty((n_columns, size))
    for c in range(n_columns):
        if free:
            H0[c, m] = -sums[c]
        for a in range(m):
            V0[a, c], H0[c, a] = W[rows[a], c], H[rows[a], c] + means[a, c] * sums[c]
    for a in range(m):
        j = rows[a]
        terms[0, a], terms[1, a], terms[2, a], terms[3, a] = ridge, low[j], high[j], l21[j]
    V = minimise(G, first, second, bound, terms, V0, H0, share, max_iter)
    before, after, gain = rows_penalty(V0, terms), rows_penalty(V, terms), 0.0
    for c in range(n_columns):
        db[c] = V[m, c] if free else 0.0
        gain -= db[c] * sums[c]
        for a in range(m):
            change = V[a, c] - V0[a, c]
            gain += H0[c, a] * change
            dW[rows[a], c] = change
            db[c] -= means[a, c] * change
    return gain + before - after, after


@compiled_inside
def working_set(H: Array, W: Array, ridge: float, low: Array, high: Array, l21: Array) -> Array:
    """The support, and the rows that are about to enter it."""
    rows, m = np.empty(len(W), dtype=np.intp), 0
    for j in range(len(W)):
        near = outside(H[j], W[j], ridge, NEARLY * low[j], NEARLY * high[j], 1.0)[0]
        is_in = near > NEARLY * l21[j]
        for c in range(W.shape[1]):
            is_in |= W[j, c] != 0.0
        if is_in:
            rows[m] = j
            m += 1
    return rows[:m]


@compiled_inside
def weighted_grams(
    X: Array, rows: Array, free: bool, group: Array, bend: Array, means: Array, G: Array
) -> None:
    """Write G, with a last feature of 1 where intercepts are ``free``, and the means (m, C).

    All columns of a task have one mean, so that the matrices of pairs are symmetric.
    """
    m, n_columns, weighted = len(rows), means.shape[1], np.empty(X.shape[1])
    totals = np.zeros(n_columns)
    for q in range(len(bend) if free else 0):
        total = 0.0
        for i in range(len(weighted)):
            total += bend[q, i]
        G[q, m, m] = total
        if q < n_columns:
            totals[group[q]] += total
    for a in range(m if free else 0):
        for c in range(n_columns):
            means[a, group[c]] += inner(bend[c], X[rows[a]])
        for c in range(n_columns):
            total = totals[c] if group[c] == c else 1.0
            means[a, c] = means[a, group[c]] / total if total > 0.0 else 0.0
    for q in range(len(bend)):
        h = bend[q]
        for a in range(m):
            x, mean, total = X[rows[a]], means[a, group[q]], 0.0
            for i in range(len(x)):
                weighted[i] = h[i] * (x[i] - mean)
                total += weighted[i]
            for k in range(a + 1):
                G[q, a, k] = inner(weighted, X[rows[k]]) - means[k, group[q]] * total
                G[q, k, a] = G[q, a, k]
            if free:
                G[q, a, m] = G[q, m, a] = total


@compiled_inside
def inner(x: Array, y: Array) -> float:
    """x'y."""
    total = 0.0
    for i in range(len(x)):
        total += x[i] * y[i]
    return total


@compiled_inside
def bound_diagonal(
    G: Array, first: Array, second: Array, means: Array, bound: Array
) -> None:
    r"""Write ``bound`` (m, C), a diagonal above those of a task: :math:`\sum_d |G_{jj,cd}|`."""
    size, n_columns = bound.shape
    for a in range(size):
        for c in range(n_columns):
            whole = square = G[c, a, a]
            if a < len(means):
                # As it was before the means were taken away, that rounding is a part of.
                mean = means[a, c]
                if size > len(means):
                    square += mean * (2.0 * G[c, a, size - 1] + mean * G[c, size - 1, size - 1])
            bound[a, c] = whole if whole > ROUNDING * square else 0.0
        for q in range(len(first)):
            between = abs(G[n_columns + q, a, a])
            for c in (first[q], second[q]):
                if bound[a, c] > 0.0:
                    bound[a, c] += between


@compiled_inside
def minimise(
    G: Array, first: Array, second: Array, bound: Array, terms: Array, V0: Array, H0: Array,
    share: float, max_iter: int,
) -> Array:  # fmt: skip
    """V (m, C) from V0, where H is H0, by sweeps that end as in `_label_sweeps`."""
    V, H, step = np.empty_like(V0), np.empty_like(H0), np.empty(V0.shape[1])
    past = np.empty((MEMORY + 1, V.size))
    copy(V0, V)
    copy(H0, H)
    largest, n_past = 0.0, 0
    for _ in range(max_iter):
        remember(V, past[n_past])
        if n_past == MEMORY:
            accelerate(G, first, second, terms, V0, H0, past, H, V)
            n_past = 0
            remember(V, past[0])
        gain = sweep(G, first, second, bound, terms, H, V, step)
        n_past += 1
        largest = max(largest, gain)
        if gain <= share * largest:
            break
    return V


@compiled_inside
def sweep(
    G: Array, first: Array, second: Array, bound: Array, terms: Array, H: Array, V: Array,
    step: Array,
) -> float:  # fmt: skip
    """Minimise over the rows of V in turn; what it gains at least."""
    gain = 0.0
    for a in range(len(V)):
        ridge = terms[0, a]
        for c in range(len(step)):
            step[c] = H[c, a] + bound[a, c] * V[a, c]
        shrink_row_of_tasks(step, bound[a], ridge, terms[1, a], terms[2, a], terms[3, a])
        if take_step(V[a], step):
            for c in range(len(step)):
                gain += 0.5 * (bound[a, c] + ridge) * step[c] * step[c]
            update(G, first, second, a, step, H)
    return gain


@compiled_inside
def update(G: Array, first: Array, second: Array, a: int, step: Array, H: Array) -> None:
    """Tell H (C, m) that row ``a`` of V has changed."""
    n_columns = len(step)
    for c in range(n_columns):
        for k in range(H.shape[1]):
            H[c, k] -= G[c, a, k] * step[c]
    for q in range(len(first)):
        c, d = first[q], second[q]
        for k in range(H.shape[1]):
            g = G[n_columns + q, a, k]
            H[c, k] -= g * step[d]
            H[d, k] -= g * step[c]


@compiled_inside
def accelerate(
    G: Array, first: Array, second: Array, terms: Array, V0: Array, H0: Array, past: Array,
    H: Array, V: Array,
) -> None:  # fmt: skip
    """Move V, and H with it, to Anderson's combination of the past where that is better."""
    before = model_value(V0, H0, H, V, terms)
    weights, n_columns = extrapolation_weights(past), V.shape[1]
    old, step = np.empty_like(H), np.empty(n_columns)
    copy(H, old)
    copy(H0, H)
    for a in range(len(V)):
        for c in range(n_columns):
            V[a, c] = 0.0
            for k in range(len(weights)):
                V[a, c] += weights[k] * past[k + 1, a * n_columns + c]
            step[c] = V[a, c] - V0[a, c]
        update(G, first, second, a, step, H)
    if not model_value(V0, H0, H, V, terms) < before:
        copy(old, H)
        for a in range(len(V)):
            for c in range(n_columns):
                V[a, c] = past[MEMORY, a * n_columns + c]


@compiled_inside
def model_value(V0: Array, H0: Array, H: Array, V: Array, terms: Array) -> float:
    """The model with its penalty; half the change of H is its part of second order."""
    change = 0.0
    for a in range(len(V)):
        for c in range(V.shape[1]):
            change += (V[a, c] - V0[a, c]) * (H0[c, a] + H[c, a])
    return rows_penalty(V, terms) - 0.5 * change


@compiled_inside
def rows_penalty(V: Array, terms: Array) -> float:
    """Penalty of V, inf outside its domain."""
    return rows_value(V, terms[0], terms[1], terms[2], terms[3])
