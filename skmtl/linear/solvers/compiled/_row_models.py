r"""A step of proximal Newton for few raw scores in one call: the model, and its minimum.

The model is that of `_label_sweeps`, here from choosing the rows of W to its Gram matrices
G (Q, m, m) and the sweeps, of features less their means under the curvatures. X (p, n) has a
feature in each row, and where intercepts are free, 1 in the last one. ``bend`` (Q, n) are the
curvatures of the columns of W, then of the pairs of columns of a task.
"""

from __future__ import annotations

import numpy as np

from skmtl._compile import larger
from skmtl.linear.solvers.compiled._label_grams import ROUNDING
from skmtl.linear.solvers.compiled._row import (
    Array,
    compiled,
    inlined,
    outside,
    take_step,
)
from skmtl.linear.solvers.compiled._task_grams import shrink_row_of_tasks

NEARLY = 0.9
"""Part of its radius from which on a row of zeros is swept over: in grids of 100 alphas to a
thousandth of the largest, each is 7 % smaller than the one before."""


def room_for_rows(p: int, n_columns: int, n_weights: int, n_samples: int) -> tuple[Array, ...]:
    """What `step_of_rows` needs memory for, whatever rows it chooses."""
    return (
        np.empty(p, dtype=np.intp), np.empty((n_weights, p, p)),
        *np.empty((2, p, n_columns)), np.empty((n_columns, p)), np.empty((p, n_columns)),
        np.empty(max(n_samples, n_columns)),
    )  # fmt: skip


@compiled
def step_of_rows(
    X: Array, first: Array, second: Array, group: Array, free: bool, bend: Array, H: Array,
    W: Array, ridge: Array, low: Array, high: Array, l21: Array, share: float, max_iter: int,
    rows: Array, G: Array, means: Array, bound: Array, H1: Array, V: Array, weighted: Array,
    dW: Array,
) -> bool:  # fmt: skip
    """Write the change of W (p, C) to the minimum of the model; whether the sweeps ended.

    H (p, C) is minus the gradient of the loss. Sweeps end as in `_label_sweeps`. From ``rows`` on,
    `room_for_rows` is written to: what is allocated here takes time to compile.
    """
    (p, n_columns), m = W.shape, 0
    for j in range(p):
        # Beside the support, what is about to enter it. Of intercepts nothing is penalised.
        near = outside(H[j], W[j], ridge[j], NEARLY * low[j], NEARLY * high[j], 1.0)[0]
        is_in = near > NEARLY * l21[j] or (free and j == p - 1)
        for c in range(n_columns):
            is_in |= W[j, c] != 0.0
            dW[j, c] = 0.0
        if is_in:
            rows[m] = j
            m += 1
    for a in range(m):
        for c in range(n_columns):
            means[a, c] = 0.0
    if free:
        weighted_means(X, rows, m, group, bend, means)
    weighted_grams(X, rows, m, group, bend, means, weighted[: X.shape[1]], G)
    for a in range(m):
        for c in range(n_columns):
            V[a, c], H1[c, a] = W[rows[a], c], H[rows[a], c] - means[a, c] * H[p - 1, c]
            whole = raw = G[c, a, a]
            if free:
                # As it was with the mean, whose rounding is in it.
                raw += means[a, c] * (2.0 * G[c, m - 1, a] + means[a, c] * G[c, m - 1, m - 1])
            bound[a, c] = whole if whole > ROUNDING * raw else 0.0
        for q in range(len(first)):
            between = abs(G[n_columns + q, a, a])
            bound[a, first[q]] += between if bound[a, first[q]] > 0.0 else 0.0
            bound[a, second[q]] += between if bound[a, second[q]] > 0.0 else 0.0
    largest, gain = 0.0, np.inf
    for _ in range(max_iter):
        gain = sweep(G, first, second, bound, rows, m, ridge, low, high, l21, H1, V, weighted)
        largest = larger(largest, gain)
        if gain <= share * largest:
            break
    for a in range(m):
        for c in range(n_columns):
            change = V[a, c] - W[rows[a], c]
            dW[rows[a], c] += change
            dW[p - 1, c] -= means[a, c] * change
    return gain <= share * largest


@inlined
def weighted_means(X: Array, rows: Array, m: int, group: Array, bend: Array, means: Array) -> None:
    """Write the means (m, C): one for all columns of a task, so that pairs stay symmetric."""
    n_columns = means.shape[1]
    for a in range(m):
        for c in range(n_columns):
            means[a, group[c]] += inner(bend[c], X[rows[a]])
    for a in range(m):
        for c in range(n_columns):
            # The last row, of ones, has the sums of the weights, and no mean in the end.
            total = means[m - 1, c] if group[c] == c and a < m - 1 else 1.0
            mean = means[a, group[c]] / total if total > 0.0 else 0.0
            means[a, c] = mean if a < m - 1 else means[a, c]
    for c in range(n_columns):
        means[m - 1, c] = 0.0


@inlined
def weighted_grams(
    X: Array, rows: Array, m: int, group: Array, bend: Array, means: Array, weighted: Array,
    G: Array,
) -> None:  # fmt: skip
    """Write G, of features less their means."""
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


@inlined
def inner(x: Array, y: Array) -> float:
    """x'y."""
    total = 0.0
    for i in range(len(x)):
        total += x[i] * y[i]
    return total


@inlined
def sweep(
    G: Array, first: Array, second: Array, bound: Array, rows: Array, m: int, ridge: Array,
    low: Array, high: Array, l21: Array, H: Array, V: Array, room: Array,
) -> float:  # fmt: skip
    """Minimise over the rows of V in turn, and tell H (C, m); what it gains at least."""
    gain, n_columns = 0.0, V.shape[1]
    step = room[:n_columns]
    for a in range(m):
        j = rows[a]
        for c in range(n_columns):
            step[c] = H[c, a] + bound[a, c] * V[a, c]
        shrink_row_of_tasks(step, bound[a], ridge[j], low[j], high[j], l21[j])
        if take_step(V[a], step):
            for c in range(n_columns):
                gain += 0.5 * (bound[a, c] + ridge[j]) * step[c] * step[c]
                for k in range(m):
                    H[c, k] -= G[c, a, k] * step[c]
            for q in range(len(first)):
                c, d = first[q], second[q]
                for k in range(m):
                    g = G[n_columns + q, a, k]
                    H[c, k] -= g * step[d]
                    H[d, k] -= g * step[c]
    return gain
