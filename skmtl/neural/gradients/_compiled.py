"""Compiled parts of a step, each one pass over an array (n_models, n, width).

Between two matrix products of a small network, one pass costs as much as the call that asks for
it. NaN and infinity stay what they are, so that a diverging fit is seen.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from skmtl._compile import compiler

Array = NDArray[Any]

compiled = compiler(fastmath={"contract", "nsz"})


@compiled
def add_bias(Z: Array, bias: Array) -> None:
    """Add a bias (n_models, 1, width) to every row."""
    for k in range(Z.shape[0]):
        for i in range(Z.shape[1]):
            for j in range(Z.shape[2]):
                Z[k, i, j] += bias[k, 0, j]


@compiled
def sum_rows(A: Array, total: Array) -> None:
    """Sum over the rows, into (n_models, 1, width)."""
    total[:] = 0
    for k in range(A.shape[0]):
        for i in range(A.shape[1]):
            for j in range(A.shape[2]):
                total[k, 0, j] += A[k, i, j]


@compiled
def squared(raw: Array, values: Array, share: float, losses: Array) -> None:
    """Sums of half the squared residuals over the rows, times a share; their slopes into raw."""
    losses[:] = 0
    for k in range(raw.shape[0]):
        for i in range(raw.shape[1]):
            for j in range(raw.shape[2]):
                residual = raw[k, i, j] - values[k, i, j]
                slope = share * residual
                raw[k, i, j] = slope
                # Halves of all at the end would be an operation on slices, compiled for seconds.
                losses[k, j] += 0.5 * slope * residual


@compiled
def by_task(D: Array, V: Array, starts: Array, first: int, G: Array) -> None:
    """Gradients (n_tasks, n_models, n, width) of what the heads read, from the first task on.

    Task t has the columns of D and the rows of V from ``starts[t]`` to ``starts[t + 1]``.
    """
    for t in range(G.shape[0]):
        start, stop = starts[first + t], starts[first + t + 1]
        if start == stop:
            G[t] = 0
        for k in range(G.shape[1]):
            for i in range(G.shape[2]):
                for o in range(start, stop):
                    slope = D[k, i, o]
                    for j in range(G.shape[3]):
                        so_far = G[t, k, i, j] if o > start else G.dtype.type(0)
                        G[t, k, i, j] = so_far + slope * V[k, o, j]
