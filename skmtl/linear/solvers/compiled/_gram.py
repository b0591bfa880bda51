r"""Compiled block descent in Gram space: a sweep costs nothing that grows with the samples.

:math:`H = Q - G W = X'(Y - X W)` is kept next to W. Within a block of rows the updates are exact
Gauss-Seidel on the block's Gram matrix; the other rows hear of all of them in one matrix
product. The iterates are those of plain coordinate descent.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from skmtl._compile import address_of, called_by_address, larger, smaller
from skmtl.linear.solvers.compiled._anderson import extrapolate, go_back, remember
from skmtl.linear.solvers.compiled._row import (
    BLOCK,
    Array,
    compiled,
    compiled_inside,
    copy,
    descend_block,
    duality_gap,
    inlined,
    inner_product,
    penalty_value,
    subtract,
)

NEAR = 1e-6
"""Gap, over the sum of squares of Y, of solutions that a parabola through three of them follows;
through others it follows their errors (measured: benchmarks/linear, "cv")."""

FINE = 1e-10
"""The same of solutions in which the rounding of a few steps may tell."""


@compiled
def sweeps(
    G: Array, Q: Array, H: Array, W: Array, squares: float,
    ridge: float, low: Array, high: Array, l21: Array,
    rest: float, max_gap: float, max_iter: int, past_W: Array, past_H: Array,
) -> tuple:  # fmt: skip
    """Sweeps over all rows of W, in place: (gap, sweeps that moved something).

    They end at ``max_gap``, or where nothing moves. The gap is looked at when no coefficient moves
    by more than ``rest`` times the largest. The first iterates are remembered, from the second
    row of ``past_W`` and ``past_H`` on, as long as there is room.
    """
    before, product = np.empty_like(W), np.empty_like(W)
    n_iter, moved = 0, True
    while True:
        gap = gram_gap(Q, H, W, squares, ridge, low, high, l21)[0]
        if not (gap > max_gap and n_iter < max_iter and moved):
            return gap, n_iter
        is_far = True
        while is_far and moved and n_iter < max_iter:
            copy(W, before)
            moved = sweep(G, H, W, ridge, low, high, l21, product)
            n_iter += moved
            if moved and n_iter < len(past_W):
                remember(W, past_W[n_iter])
                remember(H, past_H[n_iter])
            is_far = rest < np.inf and is_far_from(W, before, rest)


@inlined
def sweep(
    G: Array, H: Array, W: Array, ridge: float, low: Array, high: Array, l21: Array, product: Array
) -> bool:
    """Descend on every block once; whether anything moved."""
    dW, local = np.empty((BLOCK, W.shape[1])), np.empty((BLOCK, W.shape[1]))
    few_G, few_dW = np.empty((BLOCK // 2, len(W))), np.empty((BLOCK // 2, W.shape[1]))
    moved = False
    for start in range(0, len(W), BLOCK):
        stop = smaller(start + BLOCK, len(W))
        step = dW[: stop - start]
        copy(H[start:stop], local)
        n_moved = descend_block(
            G[start:stop, start:stop], local, W[start:stop], step,
            ridge, low[start:stop], high[start:stop], l21[start:stop],
        )  # fmt: skip
        if n_moved == 0:
            continue
        moved = True
        rows = G[start:stop]
        if 2 * n_moved <= stop - start:
            # Near the end most rows stay as they are.
            pick_moved(G, step, start, stop, few_G, few_dW)
            rows, step = few_G[:n_moved], few_dW[:n_moved]
        np.dot(rows.T, step, product)
        subtract(product, H)
    return moved


@inlined
def pick_moved(G: Array, dW: Array, start: int, stop: int, few_G: Array, few_dW: Array) -> None:
    """Copy the rows of dW that are not zero, and those of G, one after the other."""
    n_few = 0
    for j in range(start, stop):
        largest = 0.0
        for t in range(dW.shape[1]):
            largest = larger(largest, abs(dW[j - start, t]))
        if largest > 0.0:
            for k in range(G.shape[1]):
                few_G[n_few, k] = G[j, k]
            for t in range(dW.shape[1]):
                few_dW[n_few, t] = dW[j - start, t]
            n_few += 1


@inlined
def is_far_from(W: Array, before: Array, tol: float) -> bool:
    """Whether a coefficient has moved by more than ``tol`` times the largest."""
    farthest, largest = 0.0, 0.0
    for j in range(len(W)):
        for t in range(W.shape[1]):
            farthest = larger(farthest, abs(W[j, t] - before[j, t]))
            largest = larger(largest, abs(W[j, t]))
    return farthest > tol * largest


OF_SWEEPS = """Tuple((float64, int64))(
    float64[:, ::1], float64[:, ::1], float64[:, ::1], float64[:, ::1], float64,
    float64, float64[::1], float64[::1], float64[::1],
    float64, float64, int64, float64[:, ::1], float64[:, ::1]
)"""

call_sweeps = called_by_address(OF_SWEEPS)


def sweep_path(G: Array, Q: Array, *arguments: Any) -> int:
    """`path_of_sweeps`, which calls `sweeps` by its address, of arrays in the order of C."""
    G, Q = np.ascontiguousarray(G), np.ascontiguousarray(Q)
    return int(path_of_sweeps(address_of_sweeps(), G, Q, *arguments))


@cache
def address_of_sweeps() -> Any:
    """Where `sweeps` is, once it is compiled."""
    return address_of(sweeps, OF_SWEEPS)


@compiled
def path_of_sweeps(
    sweeps_at: Any, G: Array, Q: Array, squares: float, alphas: Array, first: int, stop: int,
    ridge: float, low: Array, high: Array, l21: Array, max_gap: float, max_sweeps: int,
    found: Array, gaps: Array, n_sweeps: Array,
) -> int:  # fmt: skip
    """Cyclic sweeps for some alphas of a path, to a gap of at most ``max_gap`` each.

    ``ridge``, ``low``, ``high`` and ``l21`` are those of an alpha of 1. The solution of alpha k
    goes to ``found[k + 1]``, those before are there; ``found[0]`` is where the path starts. The
    next is looked for on the line through the last two, or the parabola through three where these
    are exact enough. Returns the first alpha that needs more than ``max_sweeps``, or ``stop``.
    """
    W, H, product = np.empty_like(Q), np.empty_like(Q), np.empty_like(Q)
    lower, upper, radius = np.empty_like(low), np.empty_like(low), np.empty_like(low)
    nothing = np.empty((0, 0))
    copy(found[first], W)
    residual_products(G, Q, W, H, product)
    for k in range(first, stop):
        alpha = alphas[k]
        for j in range(len(low)):
            lower[j], upper[j], radius[j] = alpha * low[j], alpha * high[j], alpha * l21[j]
        bent = alpha * ridge
        if k > 1 and alphas[k - 2] > alphas[k - 1] > alpha:
            value = gram_value(Q, H, W, bent, lower, upper, radius)
            step = (alphas[k - 1] - alpha) / (alphas[k - 2] - alphas[k - 1])
            if max_gap <= NEAR * squares and k > 2 and alphas[k - 3] > alphas[k - 2]:
                bend = step * (alphas[k - 2] - alpha) / (alphas[k - 3] - alphas[k - 1])
                ratio = (alphas[k - 2] - alphas[k - 1]) / (alphas[k - 3] - alphas[k - 2])
                curve_on(step, bend, ratio, found[k - 1], found[k - 2], W)
            else:
                go_on(step, found[k - 1], W)
            residual_products(G, Q, W, H, product)
            if not gram_value(Q, H, W, bent, lower, upper, radius) < value:
                copy(found[k], W)
                residual_products(G, Q, W, H, product)
        n_iter = 0
        while True:
            gap, n_more = call_sweeps(sweeps_at, (
                G, Q, H, W, squares, bent, lower, upper, radius,
                np.inf, max_gap, max_sweeps - n_iter, nothing, nothing,
            ))  # fmt: skip
            n_iter += n_more
            if n_more == 0 or gap > max_gap or max_gap > FINE * squares:
                break
            # Sums of many steps round: so small a gap has to be that of W itself.
            residual_products(G, Q, W, H, product)
        copy(W, found[k + 1])
        gaps[k], n_sweeps[k] = gap, n_iter
        if gap > max_gap:
            return k
    return stop


@compiled_inside
def residual_products(G: Array, Q: Array, W: Array, H: Array, product: Array) -> None:
    """Write Q - G W to H."""
    np.dot(G.T, W, product)
    copy(Q, H)
    subtract(product, H)


@inlined
def go_on(step: float, before: Array, W: Array) -> None:
    """Move W along the line from what was ``before``; what is 0 stays so."""
    for j in range(len(W)):
        for t in range(W.shape[1]):
            if W[j, t] != 0.0:
                W[j, t] += step * (W[j, t] - before[j, t])


@inlined
def curve_on(step: float, bend: float, ratio: float, before: Array, first: Array, W: Array) -> None:
    r"""Move W along the parabola through it, what was ``before`` and what was ``first``.

    With these at :math:`a_2 < a_1 < a_0`, by divided differences, ``step`` is
    :math:`\frac{a_2 - a}{a_1 - a_2}`, ``bend`` this times :math:`\frac{a_1 - a}{a_0 - a_2}`, and
    ``ratio`` :math:`\frac{a_1 - a_2}{a_0 - a_1}`.
    """
    for j in range(len(W)):
        for t in range(W.shape[1]):
            if W[j, t] != 0.0:
                slope = W[j, t] - before[j, t]
                change = 0.0
                # What has just come in has no past to be bent by.
                if first[j, t] != 0.0:
                    change = slope - ratio * (before[j, t] - first[j, t])
                W[j, t] += step * slope + bend * change


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


@compiled_inside
def gram_value(
    Q: Array, H: Array, W: Array, ridge: float, low: Array, high: Array, l21: Array
) -> float:
    """Objective at W, less half the sum of squares of Y."""
    fitted = inner_product(W, Q) + inner_product(W, H)
    return penalty_value(W, ridge, low, high, l21)[0] - 0.5 * fitted


@inlined
def gram_gap(
    Q: Array, H: Array, W: Array, squares: float, ridge: float, low: Array, high: Array, l21: Array
) -> tuple:
    r"""Gap and dual scale; :math:`\|R\|^2 = \|Y\|^2 - \langle W, Q + H \rangle`."""
    fit = squares - inner_product(W, Q)
    error = larger(fit - inner_product(W, H), 0.0)
    return duality_gap(H, W, fit, error, ridge, low, high, l21)
