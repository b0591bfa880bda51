r"""Compiled parts of block descent: a row, its certificate, a sweep in Gram space.

A row penalty is described by a band :math:`[\mathrm{low}_j, \mathrm{high}_j]` and a radius
:math:`\mathrm{l21}_j`: its subgradients at zero are the box of the band plus the ball of the
radius. The lasso has the band :math:`[-\lambda, \lambda]`; positive coefficients have
:math:`\mathrm{low} = -\infty`. All formulas then need one operation, what lies outside the band,

.. math:: S_j(z) = z - \min(\max(z, \mathrm{low}_j), \mathrm{high}_j).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl._compile import compiler, larger, smaller

Array = NDArray[Any]

BLOCK = 32
"""Rows updated one by one before a matrix product tells the others."""

# Sums may be reordered, so that they vectorise; infinities (low) keep their meaning. Divisions that
# may raise would keep loops from that.
FAST: dict[str, Any] = {
    "fastmath": {"reassoc", "contract", "nsz", "arcp"},
    "error_model": "numpy",
}
compiled = compiler(**FAST)
# For what compiled functions alone call: without what Python would need it is compiled faster.
compiled_inside = compiler(**FAST, no_cpython_wrapper=True)
# For what they call at one place, which is compiled once there, not at every level again; and for
# sums: as a function by itself one is optimised in another way, and which of the two is called may
# depend on what else the process has compiled.
inlined = compiler(**FAST, inline="always")


@inlined
def shrink_row(z: Array, curvature: float, low: float, high: float, l21: float) -> None:
    r"""Replace z by the minimiser of :math:`\tfrac12 c \|w\|^2 - z'w` plus the row penalty.

    .. math:: w = \frac{S(z)}{c} \max\left(1 - \frac{\mathrm{l21}}{\|S(z)\|}, 0\right)
    """
    square = 0.0
    for t in range(len(z)):
        z[t] -= smaller(larger(z[t], low), high)
        square += z[t] * z[t]
    norm = math.sqrt(square)
    # A column that is zero has no curvature and no say.
    factor = (1.0 - l21 / norm) / curvature if norm > l21 and curvature > 0.0 else 0.0
    for t in range(len(z)):
        z[t] *= factor


@inlined
def take_step(w: Array, step: Array) -> bool:
    """Move w to ``step``, which then holds the difference; whether there is one."""
    largest = 0.0
    for t in range(len(w)):
        new = step[t]
        step[t] = new - w[t]
        w[t] = new
        largest = larger(largest, abs(step[t]))
    return largest > 0.0


@inlined
def outside(h: Array, w: Array, ridge: float, low: float, high: float, scale: float) -> tuple:
    r"""Norm of :math:`S(s k)` for :math:`k = h - \mathrm{ridge}\, w`, and its slope in s."""
    square, along = 0.0, 0.0
    for t in range(len(h)):
        k = h[t] - ridge * w[t]
        z = scale * k
        z -= smaller(larger(z, low), high)
        square += z * z
        along += z * k
    norm = math.sqrt(square)
    return norm, along / norm if norm > 0.0 else 0.0


@inlined
def dual_scale(H: Array, W: Array, ridge: float, low: Array, high: Array, l21: Array) -> float:
    r"""Largest :math:`s \le 1` with :math:`\|S_j(s K_{j\cdot})\| \le \mathrm{l21}_j` for all rows.

    The norm is convex and increasing in s, so that Newton's method comes from the right and
    does not overshoot.
    """
    scale = 1.0
    for j in range(len(H)):
        for _ in range(50):
            norm, slope = outside(H[j], W[j], ridge, low[j], high[j], scale)
            excess = norm - l21[j]
            if excess <= 1e-15 * norm or slope <= 0.0:
                break
            scale = larger(scale - excess / slope, 0.0)
    return scale


@inlined
def penalty_value(W: Array, ridge: float, low: Array, high: Array, l21: Array) -> tuple:
    """Penalty of W (inf outside its domain), and the sum of squares of W."""
    total, squares = 0.0, 0.0
    for j in range(len(W)):
        square, absolute, lowest = 0.0, 0.0, 0.0
        for t in range(W.shape[1]):
            w = W[j, t]
            square += w * w
            absolute += abs(w)
            lowest = smaller(lowest, w)
        if lowest < 0.0 and low[j] == -np.inf:
            return np.inf, squares
        squares += square
        total += l21[j] * math.sqrt(square) + high[j] * absolute
    return total + 0.5 * ridge * squares, squares


@inlined
def duality_gap(
    H: Array, W: Array, fit: float, error: float, ridge: float, low: Array, high: Array, l21: Array
) -> tuple:
    r"""Gap at W, and the scale of the dual point.

    With residuals R, ``fit`` = :math:`\langle R, Y \rangle` and ``error`` = :math:`\|R\|^2`.
    The ridge counts as rows :math:`\sqrt{\mathrm{ridge}} I` appended to the design, with
    targets 0 and residuals :math:`-\sqrt{\mathrm{ridge}} W`; the dual point is s times all
    residuals, feasible if no row of :math:`s K = s (H - \mathrm{ridge} W)` leaves its set:

    .. math:: D(s) = s \langle R, Y \rangle
              - \tfrac12 s^2 (\|R\|^2 + \mathrm{ridge} \|W\|_F^2)
    """
    value, squares = penalty_value(W, ridge, low, high, l21)
    length = error + ridge * squares
    scale = dual_scale(H, W, ridge, low, high, l21)
    if length > 0.0:
        scale = smaller(scale, larger(fit / length, 0.0))
    bound = scale * fit - 0.5 * scale * scale * length
    return larger(0.5 * error + value - bound, 0.0), scale


@compiled
def slacks(
    H: Array, W: Array, diagonal: Array, ridge: float, low: Array, high: Array, l21: Array,
    scale: float,
) -> Array:  # fmt: skip
    r"""How far the dual point is from letting each row in, in units of its column's length.

    .. math:: (\mathrm{l21}_j - \|S_j(s K_j)\|) / \sqrt{G_{jj} + \mathrm{ridge}}

    and where all of :math:`s K_j` is inside the band, the least distance from its ends on top: S
    is shorter than what moves :math:`K_j` by that distance at least. -inf for rows of the support,
    inf for columns of zeros.
    """
    distances = np.empty(len(W))
    for j in range(len(W)):
        length = math.sqrt(diagonal[j] + ridge)
        norm, _ = outside(H[j], W[j], ridge, low[j], high[j], scale)
        inside = 0.0
        if norm == 0.0:
            inside = np.inf
            for t in range(W.shape[1]):
                k = scale * (H[j, t] - ridge * W[j, t])
                inside = smaller(inside, smaller(k - low[j], high[j] - k))
        distances[j] = (l21[j] - norm + inside) / length if length > 0.0 else np.inf
        for t in range(W.shape[1]):
            if W[j, t] != 0.0:
                distances[j] = -np.inf
                break
    return distances


@inlined
def descend_block(
    G: Array, local: Array, W: Array, dW: Array,
    ridge: float, low: Array, high: Array, l21: Array,
) -> int:  # fmt: skip
    """Minimise over the rows of W in turn; ``local`` is X'R of the block, G its Gram matrix.

    W and ``dW`` are written, ``local`` is used up; how many rows moved.
    """
    n_rows, n_tasks = W.shape
    n_moved = 0
    for j in range(n_rows):
        curvature = G[j, j]
        # `shrink_row` and `take_step` in as few loops as can be: each takes time to begin.
        square = 0.0
        for t in range(n_tasks):
            z = local[j, t] + curvature * W[j, t]
            z -= smaller(larger(z, low[j]), high[j])
            dW[j, t] = z
            square += z * z
        norm = math.sqrt(square)
        curvature += ridge
        factor = (1.0 - l21[j] / norm) / curvature if norm > l21[j] and curvature > 0.0 else 0.0
        largest = 0.0
        for t in range(n_tasks):
            new = factor * dW[j, t]
            dW[j, t] = new - W[j, t]
            W[j, t] = new
            largest = larger(largest, abs(dW[j, t]))
        if largest > 0.0:
            n_moved += 1
            for k in range(j + 1, n_rows):
                g = G[j, k]
                for t in range(n_tasks):
                    local[k, t] -= g * dW[j, t]
    return n_moved


@compiled_inside
def copy(A: Array, out: Array) -> None:
    """Write A to ``out``; an assignment of slices would compile its error messages, for seconds."""
    for j in range(len(A)):
        for t in range(A.shape[1]):
            out[j, t] = A[j, t]


@compiled_inside
def subtract(A: Array, out: Array) -> None:
    """Take A from ``out``."""
    for j in range(len(A)):
        for t in range(A.shape[1]):
            out[j, t] -= A[j, t]


@compiled_inside
def inner_product(A: Array, B: Array) -> float:
    """<A, B>."""
    total = 0.0
    for j in range(len(A)):
        for t in range(A.shape[1]):
            total += A[j, t] * B[j, t]
    return total
