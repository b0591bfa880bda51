r"""Compiled block descent in Gram space: a sweep costs nothing that grows with the samples.

:math:`H = Q - G W = X'(Y - X W)` is kept next to W. Within a block of rows the updates are exact
Gauss-Seidel on the block's Gram matrix; the other rows hear of all of them in one matrix
product. The iterates are those of plain coordinate descent.
"""

from __future__ import annotations

import numpy as np

from skmtl.linear.solvers.compiled._anderson import MEMORY, extrapolate, go_back, keep
from skmtl.linear.solvers.compiled._row import (
    BLOCK,
    Array,
    compiled,
    copy,
    descend_block,
    duality_gap,
    inner_product,
    penalty_value,
    subtract,
)


@compiled
def descend_gram(
    G: Array, Q: Array, H: Array, W: Array, squares: float,
    ridge: float, low: Array, high: Array, l21: Array, max_gap: float, max_iter: int,
) -> int:  # fmt: skip
    """Sweep in place until the gap of these rows alone is at most ``max_gap``; the sweeps done."""
    past_W, past_H = np.empty((MEMORY + 1, W.size)), np.empty((MEMORY + 1, W.size))
    product = np.empty_like(H)
    n_past = 0
    for n_iter in range(1, max_iter + 1):
        if n_past == 0:
            keep(0, W, past_W, H, past_H)
        n_past += 1
        if not sweep(G, H, W, ridge, low, high, l21, product):
            return n_iter - 1
        keep(n_past, W, past_W, H, past_H)
        if gram_gap(Q, H, W, squares, ridge, low, high, l21)[0] <= max_gap:
            return n_iter
        if n_past == MEMORY:
            accelerate(Q, H, W, past_W, past_H, ridge, low, high, l21)
            n_past = 0
    return max_iter


@compiled
def sweep(
    G: Array, H: Array, W: Array, ridge: float, low: Array, high: Array, l21: Array, product: Array
) -> bool:
    """Descend on every block once; whether anything moved."""
    dW, local = np.empty((BLOCK, W.shape[1])), np.empty((BLOCK, W.shape[1]))
    moved = False
    for start in range(0, len(W), BLOCK):
        stop = min(start + BLOCK, len(W))
        step = dW[: stop - start]
        copy(H[start:stop], local)
        if descend_block(
            G[start:stop, start:stop], local, W[start:stop], step,
            ridge, low[start:stop], high[start:stop], l21[start:stop],
        ):  # fmt: skip
            moved = True
            np.dot(G[start:stop].T, step, product)
            subtract(product, H)
    return moved


@compiled
def plain_gram(
    G: Array, Q: Array, H: Array, W: Array, squares: float,
    ridge: float, low: Array, high: Array, l21: Array, tol: float, max_iter: int,
) -> tuple:  # fmt: skip
    """Cyclic sweeps over all rows of W, in place: (gap, sweeps).

    The gap is looked at when no coefficient moves by more than ``tol`` times the largest, and
    ends them at ``tol`` times the sum of squares of Y.
    """
    before, product = np.empty_like(W), np.empty_like(W)
    gap = gram_gap(Q, H, W, squares, ridge, low, high, l21)[0]
    n_iter = 0
    while n_iter < max_iter and gap > tol * squares:
        copy(W, before)
        sweep(G, H, W, ridge, low, high, l21, product)
        n_iter += 1
        if n_iter == max_iter or np.abs(W - before).max() <= tol * np.abs(W).max():
            gap = gram_gap(Q, H, W, squares, ridge, low, high, l21)[0]
    return gap, n_iter


@compiled
def accelerate(
    Q: Array, H: Array, W: Array, past_W: Array, past_H: Array,
    ridge: float, low: Array, high: Array, l21: Array,
) -> None:  # fmt: skip
    """Move W, and H with it, to Anderson's combination of the past where that is better."""
    before = gram_value(Q, H, W, ridge, low, high, l21)
    extrapolate(past_W, W, past_W, H, past_H)
    if not gram_value(Q, H, W, ridge, low, high, l21) < before:
        go_back(W, past_W, H, past_H)


@compiled
def gram_value(
    Q: Array, H: Array, W: Array, ridge: float, low: Array, high: Array, l21: Array
) -> float:
    """Objective at W, less half the sum of squares of Y."""
    fitted = inner_product(W, Q) + inner_product(W, H)
    return penalty_value(W, ridge, low, high, l21)[0] - 0.5 * fitted


@compiled
def gram_gap(
    Q: Array, H: Array, W: Array, squares: float, ridge: float, low: Array, high: Array, l21: Array
) -> tuple:
    r"""Gap and dual scale; :math:`\|R\|^2 = \|Y\|^2 - \langle W, Q + H \rangle`."""
    fit = squares - inner_product(W, Q)
    error = max(fit - inner_product(W, H), 0.0)
    return duality_gap(H, W, fit, error, ridge, low, high, l21)
