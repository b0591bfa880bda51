r"""Compiled Newton steps for one task: a loss of labels, a ridge, few features.

.. math:: \min_\theta \sum_i c_i \, \ell(y_i, z_i'\theta) + \tfrac12 \sum_j \rho_j \theta_j^2

Z (n_blocks, q, m) has m labels in each block, as columns. Its rows are the features, centred, one
of ones for the intercept, which :math:`\rho` leaves free, and some of zeros, so that q is a
multiple of 4; y and c (n_blocks, m) have weights of 0 at the end of the last block. A block stays
in the cache from its scores to what it adds to the gradient, so that a step reads Z once. As in
`skmtl.linear.solvers._newton`, a matrix is kept as long as that is forecast to be cheaper than a
new one, and the steps since correct it.
"""

from __future__ import annotations

import numpy as np

from skmtl._compile import compiler
from skmtl.linear.solvers.compiled._losses import (
    loss_conjugate,
    loss_slope_and_curvature,
    loss_value,
)
from skmtl.linear.solvers.compiled._row import Array

# As in `_row`; a division that may raise would keep loops from being vectorised.
compiled = compiler(fastmath={"reassoc", "contract", "nsz", "arcp"}, error_model="numpy")

MEMORY = 8
"""Steps that correct a matrix."""

FLAT_ENOUGH, FARTHER, MAX_TRIALS = 0.5, 10.0, 30
"""As in `newton._score_search`."""

NEWTON_STEPS, FASTEST, SLOWEST = 2.5, 1e-3, 0.9
SOME_ROWS, AT_LEAST = 0.03, 3
"""As in `newton._hessian_choice`."""

PER_STEP, PER_STEP_AND_ROW, PER_PAIR, PER_CUBE = 1.0, 0.2, 0.037, 0.05
"""Nanoseconds per label of a step, per number of Z, and of a matrix per product and cube.

Measured with one thread of a machine of 2024; what counts are their ratios.
"""

SINGULAR = 1e-12
"""As in `newton._factors`."""

PATIENCE = 8
"""Steps, or certificates, that may bring nothing before what is left is taken for rounding."""


@compiled
def columns_of_labels(X: Array, offset: Array, Z: Array) -> None:
    """Write X (n, p) less ``offset`` to the first p rows of Z."""
    n_blocks, _, m = Z.shape
    for k in range(n_blocks):
        x, z = X[k * m : (k + 1) * m], Z[k]
        whole = len(x) - len(x) % 8
        # Eight rows at a time fill what the cache writes at once.
        for i in range(0, whole, 8):
            x0, x1, x2, x3 = x[i], x[i + 1], x[i + 2], x[i + 3]
            x4, x5, x6, x7 = x[i + 4], x[i + 5], x[i + 6], x[i + 7]
            for j in range(len(offset)):
                o, out = offset[j], z[j, i : i + 8]
                out[0], out[1], out[2], out[3] = x0[j] - o, x1[j] - o, x2[j] - o, x3[j] - o
                out[4], out[5], out[6], out[7] = x4[j] - o, x5[j] - o, x6[j] - o, x7[j] - o
        for i in range(whole, len(x)):
            for j in range(len(offset)):
                z[j, i] = x[i, j] - offset[j]


@compiled
def newton_steps(
    Z: Array, y: Array, c: Array, code: int, delta: float, ridge: Array, theta: Array,
    n_rows: int, max_gap: float, max_iter: int,
) -> tuple:  # fmt: skip
    """Move ``theta`` (q,) to where its gap is at most ``max_gap``: (gap, steps).

    A rough matrix takes the first ``n_rows`` labels of each block. The gap is inf where all of this
    fails, for whatever reason: other code then begins anew.
    """
    n_blocks, q, m = Z.shape
    scores, slope, bend = np.empty_like(y), np.empty_like(y), np.empty_like(y)
    g, found, d, trial = np.empty(q), np.empty(q), np.empty(q), np.empty(q)
    H, weighted = np.empty((q, q)), np.empty((q, m))
    steps, changes = np.empty((MEMORY, q)), np.empty((MEMORY, q))
    before, best, n_kept, n_idle = -1.0, np.inf, 0, 0
    evaluate(Z, y, c, code, delta, ridge, theta, scores, slope, bend, g)
    for n_iter in range(max_iter + 1):
        expected = expected_gap(g, ridge, bend)
        if expected <= max_gap:
            gap = duality_gap(Z, y, c, code, delta, ridge, theta, scores, slope, bend)
            if gap <= max_gap:
                return gap, max(n_iter, 1)
        n_idle = 0 if max_gap < expected < best else n_idle + 1
        best = min(best, expected)
        if not (expected < np.inf) or n_idle > PATIENCE:
            break
        n_taken = rows_to_take(y.size, m, q, n_rows, max_gap, expected, before, n_kept)
        before = expected
        if n_taken:
            weighted_gram(Z, bend, n_taken, weighted, H)
            if n_taken < m:
                shrink(H, n_taken * n_blocks, y.size)
            if not cholesky(H, ridge):
                break
            n_kept = 0
        direction(H, g, steps, changes, n_kept, d)
        if not search(
            Z, y, c, code, delta, ridge, theta, d, g, scores, slope, bend, trial, found
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
    n: int, m: int, q: int, n_rows: int, max_gap: float, expected: float, before: float,
    n_kept: int,
) -> int:  # fmt: skip
    """Labels of each block for a new matrix, 0 to keep the last: which is forecast to cost least.

    ``before`` is the gap that was expected a step ago, negative at the start.
    """
    distance = np.log(max_gap / expected) if 0.0 < max_gap < expected else -1.0
    of_step = n * (PER_STEP + PER_STEP_AND_ROW * q)
    of_gram, of_factor = n * PER_PAIR * q * q, PER_CUBE * q * q * q
    taken, least = m, of_gram + of_factor + NEWTON_STEPS * of_step
    if n_rows < m and (before < 0.0 or n_kept >= AT_LEAST):
        cost = of_gram * n_rows / m + of_factor
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
    Z: Array, y: Array, c: Array, code: int, delta: float, ridge: Array, theta: Array,
    scores: Array, slope: Array, bend: Array, g: Array,
) -> None:  # fmt: skip
    """Write scores, first and second derivatives of the losses, and the gradient at ``theta``."""
    for j in range(len(theta)):
        g[j] = ridge[j] * theta[j]
    for k in range(len(Z)):
        z, f = Z[k], scores[k]
        for i in range(len(f)):
            f[i] = 0.0
        for j in range(0, len(theta), 4):
            z0, z1, z2, z3 = z[j], z[j + 1], z[j + 2], z[j + 3]
            t0, t1, t2, t3 = theta[j], theta[j + 1], theta[j + 2], theta[j + 3]
            for i in range(len(f)):
                f[i] += t0 * z0[i] + t1 * z1[i] + t2 * z2[i] + t3 * z3[i]
        loss_slope_and_curvature(code, delta, f, y[k], c[k], slope[k], bend[k])
        add_products(z, slope[k], g)


@compiled
def add_products(z: Array, s: Array, g: Array) -> None:
    """Add z s to g, for a block z (q, m)."""
    for j in range(0, len(g), 4):
        z0, z1, z2, z3 = z[j], z[j + 1], z[j + 2], z[j + 3]
        g0 = g1 = g2 = g3 = 0.0
        for i in range(len(s)):
            g0 += z0[i] * s[i]
            g1 += z1[i] * s[i]
            g2 += z2[i] * s[i]
            g3 += z3[i] * s[i]
        g[j] += g0
        g[j + 1] += g1
        g[j + 2] += g2
        g[j + 3] += g3


@compiled
def weighted_gram(Z: Array, h: Array, n_rows: int, weighted: Array, G: Array) -> None:
    r"""Write the lower triangle of :math:`\sum_i h_i z_i z_i'` to G, in tiles of registers.

    Over the first ``n_rows`` of each block, times what that leaves out; ``weighted`` (q, m) is
    written over.
    """
    n_blocks, q, m = Z.shape
    factor = m / n_rows
    for j in range(q):
        for k in range(q):
            G[j, k] = 0.0
    for k in range(n_blocks):
        z, weights = Z[k], h[k]
        for j in range(q):
            x, out = z[j], weighted[j]
            for i in range(n_rows):
                out[i] = factor * weights[i] * x[i]
        for j in range(0, q, 4):
            x0, x1, x2, x3 = weighted[j], weighted[j + 1], weighted[j + 2], weighted[j + 3]
            for r in range(0, j + 4, 2):
                z0, z1 = z[r], z[r + 1]
                a0 = a1 = a2 = a3 = b0 = b1 = b2 = b3 = 0.0
                for i in range(n_rows):
                    a0 += x0[i] * z0[i]
                    a1 += x1[i] * z0[i]
                    a2 += x2[i] * z0[i]
                    a3 += x3[i] * z0[i]
                    b0 += x0[i] * z1[i]
                    b1 += x1[i] * z1[i]
                    b2 += x2[i] * z1[i]
                    b3 += x3[i] * z1[i]
                G[j, r] += a0
                G[j + 1, r] += a1
                G[j + 2, r] += a2
                G[j + 3, r] += a3
                G[j, r + 1] += b0
                G[j + 1, r + 1] += b1
                G[j + 2, r + 1] += b2
                G[j + 3, r + 1] += b3


@compiled
def shrink(H: Array, n_some: int, n_all: int) -> None:
    """Make a matrix of some labels more like that of all, as in `newton._hessians`."""
    total, n_pairs = 0.0, 0
    for i in range(len(H)):
        for j in range(i):
            scale = H[i, i] * H[j, j]
            total += H[i, j] * H[i, j] / scale if scale > 0.0 else 0.0
            n_pairs += 1 if scale > 0.0 else 0
    noise = (1.0 / n_some - 1.0 / n_all) * n_pairs
    kept = 1.0 - min(noise / total, 1.0) if total > 0.0 else 1.0
    for i in range(len(H)):
        for j in range(i):
            H[i, j] *= kept


@compiled
def cholesky(H: Array, ridge: Array) -> bool:
    """Factor H + diag(ridge) in place, from its lower triangle; whether that went well."""
    for i in range(len(H)):
        diagonal = H[i, i] + ridge[i]
        for j in range(i):
            total = H[i, j]
            for k in range(j):
                total -= H[i, k] * H[j, k]
            H[i, j] = total / H[j, j]
        pivot = diagonal
        for k in range(i):
            pivot -= H[i, k] * H[i, k]
        if not (pivot > SINGULAR * diagonal):
            return False
        H[i, i] = np.sqrt(pivot)
    return True


@compiled
def direction(
    L: Array, g: Array, steps: Array, changes: Array, n_kept: int, d: Array
) -> None:  # fmt: skip
    """Write minus the inverse of L L' times g, corrected by the last steps (`newton._secants`)."""
    q = len(g)
    shares = np.zeros(MEMORY)
    for j in range(q):
        d[j] = -g[j]
    for age in range(1, min(n_kept, MEMORY) + 1):
        k = (n_kept - age) % MEMORY
        bent = inner(steps[k], changes[k])
        shares[k] = inner(steps[k], d) / bent if bent > 0.0 else 0.0
        for j in range(q):
            d[j] -= shares[k] * changes[k, j]
    for i in range(q):
        total = d[i]
        for k in range(i):
            total -= L[i, k] * d[k]
        d[i] = total / L[i, i]
    for i in range(q - 1, -1, -1):
        d[i] /= L[i, i]
        for k in range(i):
            d[k] -= L[i, k] * d[i]
    for age in range(min(n_kept, MEMORY), 0, -1):
        k = (n_kept - age) % MEMORY
        bent = inner(steps[k], changes[k])
        share = shares[k] - (inner(changes[k], d) / bent if bent > 0.0 else 0.0)
        for j in range(q):
            d[j] += share * steps[k, j]


@compiled
def inner(a: Array, b: Array) -> float:
    """<a, b>."""
    total = 0.0
    for j in range(len(a)):
        total += a[j] * b[j]
    return total


@compiled
def search(
    Z: Array, y: Array, c: Array, code: int, delta: float, ridge: Array, theta: Array,
    d: Array, g: Array, scores: Array, slope: Array, bend: Array, trial: Array, found: Array,
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
        evaluate(Z, y, c, code, delta, ridge, trial, scores, slope, bend, found)
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
    Z: Array, y: Array, c: Array, code: int, delta: float, ridge: Array, theta: Array,
    scores: Array, slope: Array, bend: Array,
) -> float:  # fmt: skip
    r"""Primal value less the dual one, of the slope u moved until it sums to 0 (free intercepts).

    .. math:: F(Z'\theta) + \tfrac12 \sum_j \rho_j \theta_j^2
              + F^*(u) + \sum_j \frac{(Z u)_j^2}{2 \rho_j}

    The bound is 0 at least, as losses are.
    """
    q = len(theta)
    labels, weights = y.reshape(-1), c.reshape(-1)
    primal = loss_value(code, delta, scores.reshape(-1), labels, weights)
    bound, products = 0.0, np.zeros(q)
    is_free = False
    for j in range(q):
        primal += 0.5 * ridge[j] * theta[j] * theta[j]
        is_free = is_free or (ridge[j] == 0.0)
    u = slope.reshape(-1).copy()
    if is_free:
        total = bend.sum()
        if not (total > 0.0):
            return np.inf
        move, h = slope.sum() / total, bend.reshape(-1)
        for i in range(len(u)):
            u[i] -= move * h[i]
    for k in range(len(Z)):
        add_products(Z[k], u.reshape(slope.shape)[k], products)
    for j in range(q):
        if ridge[j] > 0.0:
            bound -= 0.5 * products[j] * products[j] / ridge[j]
    bound -= loss_conjugate(code, delta, u, labels, weights)
    gap = primal - max(bound, 0.0)
    return max(gap, 0.0) if gap < np.inf else np.inf
