"""Compiled matrices of Newton's method for one task: formed, factored and corrected."""

from __future__ import annotations

import numpy as np

from skmtl.linear.solvers.compiled._row import Array, compiled_inside

CHUNK = 256
"""Labels at a time."""

MEMORY = 8
"""Steps that correct a matrix."""

SINGULAR = 1e-12
"""As in `newton._factors`."""


EQUAL = 1e-12
"""Relative difference of curvatures that is rounding."""


@compiled_inside
def weighted_gram(
    X: Array, offset: Array, h: Array, n_rows: int, features: Array, weighted: Array, G: Array
) -> int:
    r"""Write the lower triangle of :math:`\sum_i h_i z_i z_i'` to G, in tiles of registers.

    Over the first ``n_rows`` labels of each chunk; how many these are. ``features`` (q, CHUNK) has
    the rows below those of X already.
    """
    q, n_taken = len(G), 0
    for j in range(q):
        for k in range(q):
            G[j, k] = 0.0
    for start in range(0, len(X), CHUNK):
        stop = min(start + n_rows, len(X))
        m, weights = stop - start, h[start:stop]
        n_taken += m
        columns_of(X[start:stop], offset, features)
        for j in range(q):
            x, out = features[j], weighted[j]
            for i in range(m):
                out[i] = weights[i] * x[i]
        for j in range(0, q, 4):
            x0, x1, x2, x3 = weighted[j], weighted[j + 1], weighted[j + 2], weighted[j + 3]
            for r in range(0, j + 4, 2):
                z0, z1 = features[r], features[r + 1]
                a0 = a1 = a2 = a3 = b0 = b1 = b2 = b3 = 0.0
                for i in range(m):
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
    return n_taken


@compiled_inside
def columns_of(x: Array, offset: Array, features: Array) -> None:
    """Write the rows x less ``offset`` to columns of ``features``."""
    whole = len(x) - len(x) % 8
    # Eight rows at a time fill what the cache writes at once.
    for i in range(0, whole, 8):
        x0, x1, x2, x3 = x[i], x[i + 1], x[i + 2], x[i + 3]
        x4, x5, x6, x7 = x[i + 4], x[i + 5], x[i + 6], x[i + 7]
        for j in range(len(offset)):
            o, out = offset[j], features[j, i : i + 8]
            out[0], out[1], out[2], out[3] = x0[j] - o, x1[j] - o, x2[j] - o, x3[j] - o
            out[4], out[5], out[6], out[7] = x4[j] - o, x5[j] - o, x6[j] - o, x7[j] - o
    for i in range(whole, len(x)):
        for j in range(len(offset)):
            features[j, i] = x[i, j] - offset[j]


@compiled_inside
def proportion(h: Array, other: Array) -> float:
    """The factor that h is ``other`` times, rounding apart; 0 where it is no multiple."""
    factor = 0.0
    for i in range(len(h)):
        if (h[i] > 0.0) != (other[i] > 0.0):
            return 0.0
        if factor == 0.0 and other[i] > 0.0:
            factor = h[i] / other[i]
        if abs(h[i] - factor * other[i]) > EQUAL * h[i]:
            return 0.0
    return factor if factor < np.inf else 0.0


@compiled_inside
def stand_for_all(H: Array, n_some: int, n_all: int) -> None:
    """Make a matrix of some labels like that of all: as large, and shrunk (`newton._hessians`)."""
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
            H[i, j] *= kept * n_all / n_some
        H[i, i] *= n_all / n_some


@compiled_inside
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


@compiled_inside
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


@compiled_inside
def inner(a: Array, b: Array) -> float:
    """<a, b>."""
    total = 0.0
    for j in range(len(a)):
        total += a[j] * b[j]
    return total
