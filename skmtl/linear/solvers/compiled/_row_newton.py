r"""Proximal Newton with a penalty on each row of W, compiled as a whole.

`proximal_newton._newton_steps` says what a step is, in numpy; here a fit is one call. The rows of
X (p, n) are features, less their means, and what belongs to labels is (n_columns, n) too: raw
scores F, slopes, and curvatures ``bend``, where those of the pairs of columns of a task come after
its columns.
"""

from __future__ import annotations

import numpy as np

from skmtl.linear.solvers.compiled._label_grams import centre
from skmtl.linear.solvers.compiled._label_points import (
    correlate,
    derivatives,
    forward,
    lower_bound,
    total_loss,
    weighted_grams,
)
from skmtl.linear.solvers.compiled._label_sweeps import descend_label_grams, rows_value
from skmtl.linear.solvers.compiled._row import Array, compiled, outside, penalty_value

NEAR, MAX_SWEEPS, SHARE = 10.0, 500, 1e-4
SUFFICIENT, HALVINGS = 1e-3, 40
FLAT, SHORT = 1e-6, 0.25
ROUNDING, NOTHING, STALLED = 1e-12, 1e-16, 10
"""As in `proximal_newton`; what is compiled takes its constants from compiled files, so that no
cache is stale."""

NEARLY = 0.9
"""Part of its radius from which on a row of zeros is swept over: in grids of 100 alphas to a
thousandth of the largest, each is 7 % smaller than the one before."""


@compiled
def descend_rows(
    X: Array, labels: tuple, pairs: tuple, free: bool, terms: tuple, max_gap: float,
    max_iter: int, W: Array, b: Array, work: tuple,
) -> tuple:  # fmt: skip
    """Minimise in place, from W (p, C) and b (C,): (gap, steps).

    Ends with a larger gap than ``max_gap`` after as many steps, or where they bring nothing.
    """
    F, new, slope, bend = work
    ridge, low, high, l21 = terms
    H = np.empty_like(W)
    every = np.arange(len(X))
    forward(X, every, W, b, F)
    loss = total_loss(labels, F)
    promise, damping, n_stalled, n_iter = np.inf, FLAT, 0, 0
    while True:
        derivatives(labels, pairs, F, slope, bend)
        correlate(X, slope, H)
        before = penalty_value(W, ridge, low, high, l21)[0]
        is_last = n_iter == max_iter or n_stalled == STALLED
        if is_last or promise <= NEAR * max_gap:
            bound = lower_bound(X, labels, pairs, free, terms, loss, W, slope, bend, new)
            gap = max(loss + before - bound, 0.0)
            if is_last or gap <= max_gap:
                return gap, n_iter
        raise_curvatures(labels, pairs, slope, damping, loss, bend)
        rows = working_set(H, W, ridge, low, high, l21)
        of_rows = terms_of(rows, free, ridge, low, high, l21)
        V0, V, db, promise = minimise_model(X, rows, pairs, free, of_rows, slope, bend, H, W, b)
        length, loss = search(X, labels, rows, of_rows, V0, V, db, loss, before, promise, F, new)
        for a in range(len(rows)):
            for c in range(len(b)):
                W[rows[a], c] = V0[a, c] + length * (V[a, c] - V0[a, c])
                if length == 1.0:  # with its zeros
                    W[rows[a], c] = V[a, c]
        for c in range(len(b)):
            b[c] += length * db[c]
        damping = max(FLAT, 0.1 * damping if length > SHORT else damping / length)
        n_stalled = n_stalled + 1 if promise <= NOTHING * abs(loss + before) else 0
        n_iter += 1


@compiled
def working_set(H: Array, W: Array, ridge: float, low: Array, high: Array, l21: Array) -> Array:
    """The support, and the rows that are about to enter it."""
    rows, m = np.empty(len(W), dtype=np.intp), 0
    for j in range(len(W)):
        is_in = outside(H[j], W[j], ridge, NEARLY * low[j], NEARLY * high[j], 1.0)[0] > (
            NEARLY * l21[j]
        )
        for c in range(W.shape[1]):
            is_in |= W[j, c] != 0.0
        if is_in:
            rows[m] = j
            m += 1
    return rows[:m]


@compiled
def terms_of(
    rows: Array, free: bool, ridge: float, low: Array, high: Array, l21: Array
) -> tuple:
    """Ridge, band and radius of some rows, and those of the intercepts: none."""
    size = len(rows) + free
    of_rows = np.zeros(size), np.zeros(size), np.zeros(size), np.zeros(size)
    for a in range(len(rows)):
        j = rows[a]
        of_rows[0][a] = ridge
        of_rows[1][a], of_rows[2][a], of_rows[3][a] = low[j], high[j], l21[j]
    return of_rows


@compiled
def raise_curvatures(
    labels: tuple, pairs: tuple, slope: Array, damping: float, loss: float, bend: Array
) -> None:
    r"""Give labels where the loss is flat some of a parabola's curvature, :math:`s^2 / 2 f`."""
    _, _, begins, ends, _, weights = labels
    at = pairs[3]
    total = 0.0
    for t in range(len(weights)):
        for c in range(begins[t], ends[t]):
            for i in range(len(weights[t])):
                weight, s = weights[t, i], slope[c, i]
                total += s * s / weight if weight > 0.0 else 0.0
    floor = damping * total / (2.0 * abs(loss)) if loss != 0.0 else 0.0
    for t in range(len(weights)):
        for q in range(at[t], at[t] + ends[t] - begins[t]):
            for i in range(len(weights[t])):
                bend[q, i] = max(bend[q, i], floor * weights[t, i])


@compiled
def minimise_model(
    X: Array, rows: Array, pairs: tuple, free: bool, of_rows: tuple, slope: Array, bend: Array,
    H: Array, W: Array, b: Array,
) -> tuple:  # fmt: skip
    """Rows of W and intercepts before and at the minimum of the model; what it gains.

    The intercepts come last, those of features less their means under the curvature, and with
    their change in the terms of X beside.
    """
    first, second, group, _, places = pairs
    ridge, low, high, l21 = of_rows
    m, n_columns = len(rows), len(b)
    size = m + free
    G = np.empty((size, size, len(places)))
    weighted_grams(X, rows, free, bend, places, G)
    means, bound = np.zeros((m, len(places))), np.empty((size, n_columns))
    centre(G, group, first, second, free, means, bound)
    V0, H0 = np.empty((size, n_columns)), np.empty((size, n_columns))
    for c in range(n_columns):
        total = 0.0
        for i in range(X.shape[1]):
            total += slope[c, i]
        for a in range(m):
            V0[a, c], H0[a, c] = W[rows[a], c], H[rows[a], c] + means[a, c] * total
        if free:
            V0[m, c], H0[m, c] = b[c], -total
    V = V0.copy()
    descend_label_grams(
        G, first, second, bound, H0.copy(), V, ridge, low, high, l21, SHARE, MAX_SWEEPS
    )
    promise = rows_value(V0, ridge, low, high, l21) - rows_value(V, ridge, low, high, l21)
    db = np.zeros(n_columns)
    for a in range(size):
        for c in range(n_columns):
            change = V[a, c] - V0[a, c]
            promise += H0[a, c] * change
            db[c] += change if a == m else -means[a, c] * change
    return V0, V, db, promise


@compiled
def search(
    X: Array, labels: tuple, rows: Array, of_rows: tuple, V0: Array, V: Array, db: Array,
    loss: float, before: float, promise: float, F: Array, new: Array,
) -> tuple:  # fmt: skip
    """Move F to the first point between V0 and V where enough is gained: (how far, the loss)."""
    ridge, low, high, l21 = of_rows
    value, length, part, along = loss + before, 1.0, V - V0, np.empty_like(F)
    forward(X, rows, part, db, along)
    for _ in range(HALVINGS):
        for c in range(len(F)):
            for i in range(F.shape[1]):
                new[c, i] = F[c, i] + length * along[c, i]
        for a in range(len(V)):
            for c in range(len(F)):
                part[a, c] = V0[a, c] + length * (V[a, c] - V0[a, c])
        loss = total_loss(labels, new)
        found = loss + rows_value(part, ridge, low, high, l21)
        if found <= value - SUFFICIENT * length * promise + ROUNDING * abs(value):
            break
        length *= 0.5
    for c in range(len(F)):
        for i in range(F.shape[1]):
            F[c, i] = new[c, i]
    return length, loss
