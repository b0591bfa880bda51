r"""Compiled loss of few labels at some coefficients: value, derivatives, and a lower bound.

The labels are those of tasks, ``labels`` = (number of the loss (T,), its parameter (T,), first
column of each task, and where its columns end (T,), labels (T, n), weights (T, n)); see `_losses`.
``pairs`` are (first, second (n_pairs,), group (Q,), begin (T + 1,), places (Q,)): where the
curvatures of a task begin in ``bend`` (Q, n), and where each is in the order of columns, then
pairs.
"""

from __future__ import annotations

import numpy as np

from skmtl.linear.solvers.compiled._losses import (
    loss_conjugate,
    loss_slope_and_curvature,
    loss_value,
    softmax_conjugate,
    softmax_curvature,
    softmax_shares,
    softmax_slope,
    softmax_value,
)
from skmtl.linear.solvers.compiled._row import Array, compiled, dual_scale
from skmtl.tasks._loss_codes import SOFTMAX

SINGULAR = 1e-13
"""Part of a curvature of intercepts that is rounding."""

NEARLY_FREE = 1e-8
"""Gradient that intercepts may keep, as in `Problem`; beyond, there is no certificate."""


@compiled
def total_loss(labels: tuple, F: Array) -> float:
    """Loss at raw scores F."""
    codes, deltas, begins, ends, y, weights = labels
    total = 0.0
    for t in range(len(codes)):
        k = begins[t]
        if codes[t] == SOFTMAX:
            raw = F[k : ends[t]].T
            shares = np.empty(raw.shape)
            softmax_shares(raw, shares)
            total += softmax_value(raw, shares, y[t], weights[t])
        else:
            total += loss_value(codes[t], deltas[t], F[k], y[t], weights[t])
    return total


@compiled
def derivatives(labels: tuple, pairs: tuple, F: Array, slope: Array, bend: Array) -> None:
    """Write slopes and curvatures."""
    codes, deltas, begins, ends, y, weights = labels
    first, second, _, at, _ = pairs
    n_before = 0
    for t in range(len(codes)):
        k, q = begins[t], at[t]
        if codes[t] == SOFTMAX:
            raw = F[k : ends[t]].T
            shares = np.empty(raw.shape)
            softmax_shares(raw, shares)
            n_pairs = at[t + 1] - q - raw.shape[1]
            own = slice(n_before, n_before + n_pairs)
            n_before += n_pairs
            softmax_curvature(
                shares, weights[t], first[own] - k, second[own] - k, bend[q : at[t + 1]].T
            )
            softmax_slope(shares, y[t], weights[t], slope[k : ends[t]].T)
        else:
            loss_slope_and_curvature(
                codes[t], deltas[t], F[k], y[t], weights[t], slope[k], bend[q]
            )


@compiled
def total_conjugate(labels: tuple, U: Array) -> float:
    """Conjugate of the loss at U, inf outside its domain."""
    codes, deltas, begins, ends, y, weights = labels
    total = 0.0
    for t in range(len(codes)):
        k = begins[t]
        if codes[t] == SOFTMAX:
            total += softmax_conjugate(U[k : ends[t]].T, y[t], weights[t])
        else:
            total += loss_conjugate(codes[t], deltas[t], U[k], y[t], weights[t])
    return total


@compiled
def lower_bound(
    X: Array, labels: tuple, pairs: tuple, free: bool, terms: tuple, loss: float, W: Array,
    slope: Array, bend: Array, U: Array,
) -> float:  # fmt: skip
    """Of the optimum, at least 0: see `Problem.gap`. U is the dual variable, and is written."""
    ridge, low, high, l21 = terms
    if not orthogonal_slope(labels, pairs, free, loss, slope, bend, U):
        return 0.0
    Z, squares = np.empty_like(W), 0.0
    correlate(X, U, Z)
    scale = dual_scale(Z, W, ridge, low, high, l21)
    for c in range(len(U)):
        for i in range(U.shape[1]):
            U[c, i] *= scale
    for j in range(len(W)):
        for c in range(W.shape[1]):
            squares += W[j, c] * W[j, c]
    bound = -total_conjugate(labels, U) - 0.5 * ridge * scale * scale * squares
    return max(bound, 0.0) if bound < np.inf else 0.0


@compiled
def orthogonal_slope(
    labels: tuple, pairs: tuple, free: bool, loss: float, slope: Array, bend: Array, U: Array
) -> bool:
    """Write the slope after a Newton step of free intercepts; whether its sums then are 0."""
    begins, ends, at = labels[2], labels[3], pairs[3]
    size, rest = 0.0, 0.0
    for t in range(len(begins)):
        k, n_columns = begins[t], ends[t] - begins[t]
        z = np.zeros(n_columns)
        if free:
            found = intercept_step(slope[k : ends[t]], bend[at[t] : at[t + 1]], z)
            size += found[0]
            rest += found[1]
        for c in range(n_columns):
            for i in range(U.shape[1]):
                U[k + c, i] = slope[k + c, i] - z[c] * bend[at[t] + c, i]
        q = at[t] + n_columns
        for left in range(n_columns):
            for right in range(left):
                for i in range(U.shape[1]):
                    U[k + left, i] -= z[right] * bend[q, i]
                    U[k + right, i] -= z[left] * bend[q, i]
                q += 1
    return rest <= NEARLY_FREE * NEARLY_FREE * (size + 1e-4 * abs(loss))


@compiled
def intercept_step(slope: Array, bend: Array, z: Array) -> tuple:
    r"""Write z with :math:`H z = g` for the sums of one task; sizes of g and of what is left.

    H = L D L' has a pivot of 0 where softmax leaves a direction free: z is 0 there.
    """
    n = len(z)
    H, L, g = np.zeros((n, n)), np.zeros((n, n)), np.zeros(n)
    q = n
    for c in range(n):
        for i in range(slope.shape[1]):
            g[c] += slope[c, i]
            H[c, c] += bend[c, i]
        for d in range(c):
            for i in range(slope.shape[1]):
                H[c, d] += bend[q, i]
            H[d, c] = H[c, d]
            q += 1
    for c in range(n):
        z[c] = g[c]
        for d in range(c + 1):
            L[c, d] = H[c, d]
            for e in range(d):
                L[c, d] -= L[c, e] * L[d, e] * L[e, e]
            if d < c:
                L[c, d] = L[c, d] / L[d, d] if L[d, d] > 0.0 else 0.0
                z[c] -= L[c, d] * z[d]
        if L[c, c] <= SINGULAR * H[c, c]:
            L[c, c] = 0.0
    for c in range(n - 1, -1, -1):
        z[c] = z[c] / L[c, c] if L[c, c] > 0.0 else 0.0
        for d in range(c + 1, n):
            z[c] -= L[d, c] * z[d] if L[c, c] > 0.0 else 0.0
    size, rest = 0.0, 0.0
    for c in range(n):
        left = g[c]
        for d in range(n):
            left -= H[c, d] * z[d]
        h = H[c, c] if H[c, c] > 0.0 else 1.0
        size += g[c] * g[c] / h
        rest += left * left / h
    return size, rest


@compiled
def forward(X: Array, rows: Array, W: Array, b: Array, F: Array) -> None:
    """Write raw scores of coefficients W of some features."""
    for c in range(len(F)):
        for i in range(F.shape[1]):
            F[c, i] = b[c]
    for a in range(len(rows)):
        x = X[rows[a]]
        for c in range(len(F)):
            w = W[a, c]
            if w != 0.0:
                for i in range(len(x)):
                    F[c, i] += w * x[i]


@compiled
def correlate(X: Array, slope: Array, H: Array) -> None:
    """Write minus the gradient, -X slope'."""
    for j in range(len(X)):
        for c in range(len(slope)):
            H[j, c] = -inner(X[j], slope[c])


@compiled
def inner(x: Array, y: Array) -> float:
    """x'y."""
    total = 0.0
    for i in range(len(x)):
        total += x[i] * y[i]
    return total


@compiled
def weighted_grams(
    X: Array, rows: Array, free: bool, bend: Array, places: Array, G: Array
) -> None:
    """Write the lower triangles of G (m, m, Q), with a last feature of 1 where ``free``."""
    m, weighted = len(rows), np.empty(X.shape[1])
    for q in range(len(bend)):
        h, place = bend[q], places[q]
        for a in range(m):
            x, total = X[rows[a]], 0.0
            for i in range(len(x)):
                weighted[i] = h[i] * x[i]
                total += weighted[i]
            for k in range(a + 1):
                G[a, k, place] = inner(weighted, X[rows[k]])
            if free:
                G[m, a, place] = total
        if free:
            total = 0.0
            for i in range(len(h)):
                total += h[i]
            G[m, m, place] = total
