r"""Compiled Newton steps for one task: a loss of labels, a ridge, few features.

.. math:: \min_\theta \sum_i c_i \, \ell(y_i, z_i'\theta) + \tfrac12 \sum_j \rho_j \theta_j^2

The features z are rows x of X (n, p) less an offset, and a one for the intercept, which
:math:`\rho` leaves free; vectors go on with unknowns that have no features, up to a multiple of 4.
Labels are taken a chunk at a time, whose rows stay in the cache from their scores to what they add
to the gradient, so that a step reads X once. As in `skmtl.linear.solvers._newton`, a matrix is kept
as long as that is forecast to be cheaper than a new one, and the steps since correct it.
"""

from __future__ import annotations

import numpy as np

from skmtl.linear.solvers.compiled._losses import (
    compiled,
    loss_conjugate,
    loss_slope_and_curvature,
    loss_value,
)
from skmtl.linear.solvers.compiled._newton_matrix import (
    CHUNK,
    MEMORY,
    cholesky,
    direction,
    inner,
    stand_for_all,
    weighted_gram,
)
from skmtl.linear.solvers.compiled._row import Array

FLAT_ENOUGH, FARTHER, MAX_TRIALS = 0.5, 10.0, 30
"""As in `newton._score_search`."""

NEWTON_STEPS, FASTEST, SLOWEST = 2.5, 1e-3, 0.9
SOME_ROWS, AT_LEAST = 0.03, 3
"""As in `newton._hessian_choice`."""

PER_LABEL, PER_NUMBER, PER_PRODUCT, PER_CUBE = 1.0, 0.2, 0.04, 0.05
"""Nanoseconds of a step, per label and number of X, and of a matrix, per product and cube.

Measured with one thread of a machine of 2026; what counts are their ratios.
"""

PATIENCE = 8
"""Steps, or certificates, that may bring nothing before what is left is taken for rounding."""


@compiled
def newton_steps(
    X: Array, offset: Array, y: Array, c: Array, code: int, delta: float, ridge: Array,
    theta: Array, n_rows: int, max_gap: float, max_iter: int,
) -> tuple:  # fmt: skip
    """Move ``theta`` (q,) to where its gap is at most ``max_gap``: (gap, steps).

    A rough matrix takes the first ``n_rows`` labels of each chunk. The gap is inf where all of this
    fails, for whatever reason: other code then begins anew.
    """
    (n, p), q = X.shape, len(theta)
    scores, slope, bend = np.empty(n), np.empty(n), np.empty(n)
    g, found, d, trial = np.empty(q), np.empty(q), np.empty(q), np.empty(q)
    H, features, weighted = np.empty((q, q)), np.zeros((q, CHUNK)), np.empty((q, CHUNK))
    features[p] = 1.0 if ridge[p] == 0.0 else 0.0
    steps, changes = np.empty((MEMORY, q)), np.empty((MEMORY, q))
    before, best, n_kept, n_idle = -1.0, np.inf, 0, 0
    evaluate(X, offset, y, c, code, delta, ridge, theta, scores, slope, bend, g)
    for n_iter in range(max_iter + 1):
        expected = expected_gap(g, ridge, bend)
        if expected <= max_gap:
            gap = duality_gap(X, offset, y, c, code, delta, ridge, theta, scores, slope, bend)
            if gap <= max_gap:
                return gap, max(n_iter, 1)
        n_idle = 0 if max_gap < expected < best else n_idle + 1
        best = min(best, expected)
        if not (expected < np.inf) or n_idle > PATIENCE:
            break
        n_taken = rows_to_take(n, q, n_rows, max_gap, expected, before, n_kept)
        before = expected
        if n_taken:
            n_some = weighted_gram(X, offset, bend, n_taken, features, weighted, H)
            if n_some < n:
                stand_for_all(H, n_some, n)
            if not cholesky(H, ridge):
                break
            n_kept = 0
        direction(H, g, steps, changes, n_kept, d)
        if not search(
            X, offset, y, c, code, delta, ridge, theta, d, g, scores, slope, bend, trial, found
        ):  # fmt: skip
            break
        k = n_kept % MEMORY
        for j in range(q):
            steps[k, j], changes[k, j] = trial[j] - theta[j], found[j] - g[j]
            theta[j], g[j] = trial[j], found[j]
        n_kept += 1
    return np.inf, max_iter


@compiled
def rows_to_take(
    n: int, q: int, n_rows: int, max_gap: float, expected: float, before: float, n_kept: int
) -> int:
    """Labels of each chunk for a new matrix, 0 to keep the last: which is forecast to cost least.

    ``before`` is the gap that was expected a step ago, negative at the start.
    """
    distance = np.log(max_gap / expected) if 0.0 < max_gap < expected else -1.0
    of_step = n * (PER_LABEL + PER_NUMBER * q)
    of_products, of_factor = n * PER_PRODUCT * q * q, PER_CUBE * q * q * q
    taken, least = CHUNK, of_products + of_factor + NEWTON_STEPS * of_step
    if n_rows < CHUNK and (before < 0.0 or n_kept >= AT_LEAST):
        cost = of_products * n_rows / CHUNK + of_factor
        cost += max(distance / np.log(SOME_ROWS), 1.0) * of_step
        if cost < least:
            taken, least = n_rows, cost
    if before > 0.0:
        rate = min(max(expected / before, FASTEST), SLOWEST)
        if distance / np.log(rate) * of_step <= least:
            taken = 0
    return taken


@compiled
def evaluate(
    X: Array, offset: Array, y: Array, c: Array, code: int, delta: float, ridge: Array,
    theta: Array, scores: Array, slope: Array, bend: Array, g: Array,
) -> None:  # fmt: skip
    """Write scores, first and second derivatives of the losses, and the gradient at ``theta``."""
    n, p = X.shape
    w, products = theta[:p], np.zeros(p)
    has_intercept = ridge[p] == 0.0
    shift = (theta[p] if has_intercept else 0.0) - inner(offset, w)
    for start in range(0, n, CHUNK):
        stop = min(start + CHUNK, n)
        x, f, s = X[start:stop], scores[start:stop], slope[start:stop]
        np.dot(x, w, f)
        for i in range(len(f)):
            f[i] += shift
        loss_slope_and_curvature(
            code, delta, f, y[start:stop], c[start:stop], s, bend[start:stop]
        )  # fmt: skip
        products += np.dot(s, x)
    total = slope.sum()
    for j in range(p):
        g[j] = products[j] - offset[j] * total + ridge[j] * theta[j]
    g[p:] = 0.0
    if has_intercept:
        g[p] = total


@compiled
def search(
    X: Array, offset: Array, y: Array, c: Array, code: int, delta: float, ridge: Array,
    theta: Array, d: Array, g: Array, scores: Array, slope: Array, bend: Array,
    trial: Array, found: Array,
) -> bool:  # fmt: skip
    """Write a point along d where the objective hardly rises or falls, and the gradient there.

    As it is convex, the sign of its derivative says on which side the minimum is; whether there
    was a point.
    """
    at_start = inner(g, d)
    if not (-np.inf < at_start < 0.0):
        return False
    t, low, high, at_low, at_high = 1.0, 0.0, np.inf, at_start, np.inf
    for _ in range(MAX_TRIALS):
        for j in range(len(theta)):
            trial[j] = theta[j] + t * d[j]
        evaluate(X, offset, y, c, code, delta, ridge, trial, scores, slope, bend, found)
        at = inner(found, d)
        if abs(at) <= -FLAT_ENOUGH * at_start:
            return True
        if at < 0.0:
            low, at_low = t, at
        else:
            # A loss that overflows is as good as one that rises.
            high, at_high = t, at
        if high == np.inf:
            t = low * min(max(at_start / (at_start - at_low), 2.0), FARTHER)
        elif at_high < np.inf:
            t = low + (high - low) * at_low / (at_low - at_high)
            t = min(max(t, 0.9 * low + 0.1 * high), 0.1 * low + 0.9 * high)
        else:
            t = 0.9 * low + 0.1 * high
    return False


@compiled
def expected_gap(g: Array, ridge: Array, bend: Array) -> float:
    r"""Gap at a gradient, :math:`\sum_j g_j^2 / 2 \rho_j`; a free intercept has its curvature."""
    total = 0.0
    for j in range(len(g)):
        if ridge[j] > 0.0:
            total += 0.5 * g[j] * g[j] / ridge[j]
        elif g[j] != 0.0:
            total += 0.5 * g[j] * g[j] / bend.sum()
    return total


@compiled
def duality_gap(
    X: Array, offset: Array, y: Array, c: Array, code: int, delta: float, ridge: Array,
    theta: Array, scores: Array, slope: Array, bend: Array,
) -> float:  # fmt: skip
    r"""Primal value less the dual one, of the slope u moved until it sums to 0 (free intercepts).

    .. math:: F(Z'\theta) + \tfrac12 \sum_j \rho_j \theta_j^2
              + F^*(u) + \sum_j \frac{(Z u)_j^2}{2 \rho_j}

    The bound is 0 at least, as losses are.
    """
    p = X.shape[1]
    primal = loss_value(code, delta, scores, y, c)
    u = slope.copy()
    if ridge[p] == 0.0:
        total = bend.sum()
        if not (total > 0.0):
            return np.inf
        move = slope.sum() / total
        for i in range(len(u)):
            u[i] -= move * bend[i]
    products, total = np.dot(u, X), u.sum()
    bound = -loss_conjugate(code, delta, u, y, c)
    for j in range(p):
        product = products[j] - offset[j] * total
        primal += 0.5 * ridge[j] * theta[j] * theta[j]
        bound -= 0.5 * product * product / ridge[j]
    gap = primal - max(bound, 0.0)
    return max(gap, 0.0) if gap < np.inf else np.inf
