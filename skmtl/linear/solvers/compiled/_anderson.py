r"""Compiled Anderson acceleration of sweeps: W, and what is kept next to it, extrapolated.

.. math:: \hat z = \sum_k c_k z_{k+1}, \quad
          c = \arg\min_{1'c = 1} \Bigl\| \sum_k c_k (z_{k+1} - z_k) \Bigr\|

(Bertrand and Massias, "Anderson acceleration of coordinate descent", AISTATS 2021). z are the
iterates of W, or of the residuals where there are fewer of them. As products and residuals are
affine in W, the same combination of theirs goes with that of W.
"""

from __future__ import annotations

import numpy as np

from skmtl._compile import larger
from skmtl.linear.solvers.compiled._row import Array, compiled_inside, inlined

MEMORY = 5
"""Sweeps an extrapolation combines."""

LARGEST, SMALLEST = 2.0**332, 2.0**-332
"""As in `_range`; what is compiled is taken from its own files, so that no cache is stale."""


@compiled_inside
def keep(n_past: int, W: Array, past_W: Array, R: Array, past_R: Array) -> None:
    """Remember W, and R that belongs to it, as the iterates after ``n_past`` sweeps."""
    remember(W, past_W[n_past])
    remember(R, past_R[n_past])


@inlined
def extrapolate(moving: Array, W: Array, past_W: Array, R: Array, past_R: Array) -> None:
    """Move W, and R with it, to the combination in which ``moving``, one of the pasts, rests."""
    weights = extrapolation_weights(moving)
    combine(weights, past_W, W)
    combine(weights, past_R, R)


@inlined
def go_back(W: Array, past_W: Array, R: Array, past_R: Array) -> None:
    """Undo an extrapolation: to the last iterates."""
    recall(past_W[MEMORY], W)
    recall(past_R[MEMORY], R)


@inlined
def bring_into_range(A: Array, largest: float) -> None:
    """Multiply A by a power of two, if squares of its ``largest`` would underflow or overflow."""
    while 0.0 < largest < SMALLEST or LARGEST < largest < np.inf:
        factor = LARGEST if largest < 1.0 else SMALLEST
        largest *= factor
        for j in range(len(A)):
            for t in range(A.shape[1]):
                A[j, t] *= factor


@inlined
def extrapolation_weights(past: Array) -> Array:
    r"""Anderson's weights c, summing to 1, with :math:`\|\sum_k c_k (x_{k+1} - x_k)\|` least.

    ``past`` holds the flat iterates :math:`x_0, \dots, x_K`; all zeros if they do not move.
    """
    n, size = len(past) - 1, past.shape[1]
    # Matrices all: what allocates one more kind of array takes time to compile, and so do loops.
    moves, A, c = np.empty((n, size)), np.empty((n, n)), np.empty((1, n))[0]
    largest, trace = 0.0, 0.0
    for k in range(n):
        for i in range(size):
            moves[k, i] = past[k + 1, i] - past[k, i]
            largest = larger(largest, abs(moves[k, i]))
    bring_into_range(moves, largest)
    for k in range(n):
        for m in range(k + 1):
            product = 0.0
            for i in range(size):
                product += moves[k, i] * moves[m, i]
            A[k, m] = A[m, k] = product
        trace += A[k, k]
        c[k] = 0.0
    if trace <= 0.0:
        return c
    # A small multiple of the identity keeps nearly parallel moves from exploding.
    for k in range(n):
        A[k, k] += 1e-12 * trace
        c[k] = 1.0
    for i in range(n):
        for k in range(i + 1, n):
            factor = A[k, i] / A[i, i]
            for m in range(i, n):
                A[k, m] -= factor * A[i, m]
            c[k] -= factor * c[i]
    total = 0.0
    for i in range(n - 1, -1, -1):
        for m in range(i + 1, n):
            c[i] -= A[i, m] * c[m]
        c[i] /= A[i, i]
        total += c[i]
    for k in range(n):
        c[k] /= total
    return c


@compiled_inside
def combine(weights: Array, past: Array, out: Array) -> None:
    """Write the weighted sum of ``past[1:]`` (flat iterates) to ``out`` (rows, tasks)."""
    n_tasks = out.shape[1]
    for j in range(len(out)):
        for t in range(n_tasks):
            total = 0.0
            for k in range(len(weights)):
                total += weights[k] * past[k + 1, j * n_tasks + t]
            out[j, t] = total


@compiled_inside
def remember(x: Array, past: Array) -> None:
    """Write x (rows, tasks) to ``past`` (flat)."""
    n_tasks = x.shape[1]
    for j in range(len(x)):
        for t in range(n_tasks):
            past[j * n_tasks + t] = x[j, t]


@compiled_inside
def recall(past: Array, x: Array) -> None:
    """Write ``past`` (flat) to x (rows, tasks)."""
    n_tasks = x.shape[1]
    for j in range(len(x)):
        for t in range(n_tasks):
            x[j, t] = past[j * n_tasks + t]
