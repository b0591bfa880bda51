r"""A compiled weighted Gram matrix of little data: :math:`\sum_i h_i z_i z_i'`.

There a matrix product, and the copies of X that it needs, take longer than these sums do.
"""

from __future__ import annotations

from skmtl._compile import smaller
from skmtl.linear.solvers.compiled._row import Array, compiled


@compiled
def add_gram(X: Array, offset: Array, h: Array, Z: Array, G: Array) -> None:
    """Add it to G (q, q), symmetric; z is a row of X less the offset, and what Z (4, q) has."""
    # Four rows at a time, so that G is read and written a fourth of the times.
    last = len(h) - 1
    z0, z1, z2, z3 = Z[0], Z[1], Z[2], Z[3]
    for i in range(0, len(h), 4):
        i1, i2, i3 = smaller(i + 1, last), smaller(i + 2, last), smaller(i + 3, last)
        h0, h1, h2, h3 = h[i], h[i1] * (i1 > i), h[i2] * (i2 > i1), h[i3] * (i3 > i2)
        for r in range(4):
            at = smaller(i + r, last)
            for j in range(len(offset)):
                Z[r, j] = X[at, j] - offset[j]
        for j in range(len(G)):
            a0, a1, a2, a3 = h0 * z0[j], h1 * z1[j], h2 * z2[j], h3 * z3[j]
            g = G[j]
            for k in range(j + 1):
                g[k] += a0 * z0[k] + a1 * z1[k] + a2 * z2[k] + a3 * z3[k]
    for j in range(len(G)):
        for k in range(j):
            G[k, j] = G[j, k]
