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
        if n_iter == max_iter or is_at_rest(W, before, tol):
            gap = gram_gap(Q, H, W, squares, ridge, low, high, l21)[0]
    return gap, n_iter


@compiled
def is_at_rest(W: Array, before: Array, tol: float) -> bool:
    """Whether no coefficient has moved by more than ``tol`` times the largest."""
    farthest, largest = 0.0, 0.0
    for j in range(len(W)):
        for t in range(W.shape[1]):
            farthest = max(farthest, abs(W[j, t] - before[j, t]))
            largest = max(largest, abs(W[j, t]))
    return farthest <= tol * largest


@compiled
def sweep_path(
    G: Array, Q: Array, squares: float, alphas: Array, first: int, stop: int, ridge: float,
    low: Array, high: Array, l21: Array, max_gap: float, max_sweeps: int, found: Array,
    gaps: Array, n_sweeps: Array,
) -> int:  # fmt: skip
    """Cyclic sweeps for some alphas of a path, to a gap of at most ``max_gap`` each.

    ``ridge``, ``low``, ``high`` and ``l21`` are those of an alpha of 1. The solution of alpha k
    goes to ``found[k + 1]``, those before are there; ``found[0]`` is where the path starts. The
    next is looked for on the line through the last two. Returns the first alpha that needs more
    than ``max_sweeps``, or ``stop``.
    """
    W, H, product = np.empty_like(Q), np.empty_like(Q), np.empty_like(Q)
    lower, upper, radius = np.empty_like(low), np.empty_like(low), np.empty_like(low)
    copy(found[first], W)
    residual_products(G, Q, W, H, product)
    for k in range(first, stop):
        alpha = alphas[k]
        for j in range(len(low)):
            lower[j], upper[j], radius[j] = alpha * low[j], alpha * high[j], alpha * l21[j]
        terms = alpha * ridge, lower, upper, radius
        if k > 1 and alphas[k - 2] > alphas[k - 1] > alpha:
            value = gram_value(Q, H, W, *terms)
            step = (alphas[k - 1] - alpha) / (alphas[k - 2] - alphas[k - 1])
            go_on(step, found[k - 1], W)
            residual_products(G, Q, W, H, product)
            if not gram_value(Q, H, W, *terms) < value:
                copy(found[k], W)
                residual_products(G, Q, W, H, product)
        gap, n_iter = gram_gap(Q, H, W, squares, *terms)[0], 0
        while gap > max_gap and n_iter < max_sweeps:
            sweep(G, H, W, *terms, product)
            n_iter += 1
            gap = gram_gap(Q, H, W, squares, *terms)[0]
            if gap <= max_gap:
                # Sums of many steps round: the certificate is that of W.
                residual_products(G, Q, W, H, product)
                gap = gram_gap(Q, H, W, squares, *terms)[0]
        copy(W, found[k + 1])
        gaps[k], n_sweeps[k] = gap, n_iter
        if gap > max_gap:
            return k
    return stop


@compiled
def residual_products(G: Array, Q: Array, W: Array, H: Array, product: Array) -> None:
    """Write Q - G W to H."""
    np.dot(G.T, W, product)
    copy(Q, H)
    subtract(product, H)


@compiled
def go_on(step: float, before: Array, W: Array) -> None:
    """Move W along the line from what was ``before``; what is 0 stays so."""
    for j in range(len(W)):
        for t in range(W.shape[1]):
            if W[j, t] != 0.0:
                W[j, t] += step * (W[j, t] - before[j, t])


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
