r"""Compiled block descent on the residuals :math:`R = Y - X W`, kept next to W.

For more features than samples, where a sweep over Gram matrices would cost more, and for
sparse X, whose Gram matrix is dense.
"""

from __future__ import annotations

import numpy as np

from skmtl._compile import smaller
from skmtl.linear.solvers.compiled._anderson import MEMORY, extrapolate, go_back, keep
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
    shrink_row,
    subtract,
    take_step,
)

CHECK_EVERY = 5
"""Sweeps between two looks at the gap, which costs half a sweep."""


@compiled
def descend_dense(
    X: Array, Y: Array, R: Array, W: Array,
    ridge: float, low: Array, high: Array, l21: Array, max_gap: float, max_iter: int,
) -> int:  # fmt: skip
    """Sweep in place over the columns (n_columns, n_samples) of X, R = Y - X'W.

    Stops when the gap of these columns alone is at most ``max_gap``; the sweeps done.
    """
    past_W, past_R = np.empty((MEMORY + 1, W.size)), np.empty((MEMORY + 1, R.size))
    product = np.empty_like(R)
    grams = block_grams(X)
    n_past = 0
    for n_iter in range(1, max_iter + 1):
        if n_past == 0:
            keep(0, W, past_W, R, past_R)
        n_past += 1
        if not sweep_dense(X, grams, R, W, ridge, low, high, l21, product):
            return n_iter - 1
        keep(n_past, W, past_W, R, past_R)
        if n_past == MEMORY:
            accelerate(R, W, past_R, past_W, 0.0, ridge, low, high, l21)
            n_past = 0
        if n_iter % CHECK_EVERY == 0:
            fit, error = inner_product(R, Y), inner_product(R, R)
            if duality_gap(np.dot(X, R), W, fit, error, ridge, low, high, l21)[0] <= max_gap:
                return n_iter
    return max_iter


@inlined
def block_grams(X: Array) -> Array:
    """Gram matrix of every block of columns, one above the other."""
    grams = np.zeros((len(X), BLOCK))
    for start in range(0, len(X), BLOCK):
        stop = smaller(start + BLOCK, len(X))
        copy(np.dot(X[start:stop], X[start:stop].T), grams[start:stop])
    return grams


@inlined
def sweep_dense(
    X: Array, grams: Array, R: Array, W: Array,
    ridge: float, low: Array, high: Array, l21: Array, product: Array,
) -> bool:  # fmt: skip
    """Descend on every block of columns once; whether anything moved."""
    dW, local = np.empty((BLOCK, W.shape[1])), np.empty((BLOCK, W.shape[1]))
    moved = False
    for start in range(0, len(W), BLOCK):
        stop = smaller(start + BLOCK, len(W))
        step, block = dW[: stop - start], X[start:stop]
        np.dot(block, R, local[: stop - start])
        if descend_block(
            grams[start:stop], local, W[start:stop], step,
            ridge, low[start:stop], high[start:stop], l21[start:stop],
        ):  # fmt: skip
            moved = True
            np.dot(block.T, step, product)
            subtract(product, R)
    return moved


@compiled
def descend_sparse(
    data: Array, indices: Array, indptr: Array, diagonal: Array, means: Array, total: float,
    columns: Array, Y: Array, R: Array, W: Array,
    ridge: float, low: Array, high: Array, l21: Array, max_gap: float, max_iter: int,
) -> int:  # fmt: skip
    r"""As `descend_dense`, on some columns of a sparse X that are centred but not written so.

    Residuals of the centred X are :math:`\tilde R + 1 b'` with :math:`\tilde R = Y - X W` and
    :math:`b = W' \bar x`. They sum to zero, so that :math:`\tilde R` sums to :math:`-n b`,
    :math:`\|R\|^2 = \|\tilde R\|^2 - n \|b\|^2`, and
    :math:`x_j' R = x_j' \tilde R + n \bar x_j b` for the column as it is stored. The last row
    of R is b. With weights, 1 is the vector of their roots and n (``total``) their sum.
    """
    past_W, past_R = np.empty((MEMORY + 1, W.size)), np.empty((MEMORY + 1, R.size))
    n_past = 0
    for n_iter in range(1, max_iter + 1):
        if n_past == 0:
            keep(0, W, past_W, R, past_R)
        n_past += 1
        if not sweep_sparse(
            data, indices, indptr, diagonal, means, total, columns, R, W, ridge, low, high, l21
        ):
            return n_iter - 1
        keep(n_past, W, past_W, R, past_R)
        if n_past == MEMORY:
            accelerate(R, W, past_R, past_W, total, ridge, low, high, l21)
            n_past = 0
        if n_iter % CHECK_EVERY == 0:
            H = np.empty_like(W)
            for j in range(len(columns)):
                correlate(data, indices, indptr, columns[j], means, total, R, H[j])
            fit, error = inner_product(Y, R), squared_error(R, total)
            if duality_gap(H, W, fit, error, ridge, low, high, l21)[0] <= max_gap:
                return n_iter
    return max_iter


@compiled_inside
def correlate(
    data: Array, indices: Array, indptr: Array, column: int, means: Array, total: float,
    R: Array, out: Array,
) -> None:  # fmt: skip
    """Write the product of one centred column with the residuals to ``out``."""
    sums = means[column] * total
    for t in range(len(out)):
        out[t] = sums * R[-1, t]
    for k in range(indptr[column], indptr[column + 1]):
        x, row = data[k], R[indices[k]]
        for t in range(len(out)):
            out[t] += x * row[t]


@inlined
def sweep_sparse(
    data: Array, indices: Array, indptr: Array, diagonal: Array, means: Array, total: float,
    columns: Array, R: Array, W: Array, ridge: float, low: Array, high: Array, l21: Array,
) -> bool:  # fmt: skip
    """Descend on every column once; whether anything moved."""
    n_tasks = W.shape[1]
    step = np.empty(n_tasks)
    moved = False
    for j in range(len(columns)):
        column = columns[j]
        correlate(data, indices, indptr, column, means, total, R, step)
        for t in range(n_tasks):
            step[t] += diagonal[column] * W[j, t]
        shrink_row(step, diagonal[column] + ridge, low[j], high[j], l21[j])
        if take_step(W[j], step):
            moved = True
            for t in range(n_tasks):
                R[-1, t] += means[column] * step[t]
            for k in range(indptr[column], indptr[column + 1]):
                x, row = data[k], R[indices[k]]
                for t in range(n_tasks):
                    row[t] -= x * step[t]
    return moved


@inlined
def accelerate(
    R: Array, W: Array, past_R: Array, past_W: Array, total: float,
    ridge: float, low: Array, high: Array, l21: Array,
) -> None:  # fmt: skip
    """Move W, and R with it, to Anderson's combination of the past where that is better.

    The combination is the one whose residuals move least: there are fewer of them.
    """
    before = penalty_value(W, ridge, low, high, l21)[0] + 0.5 * squared_error(R, total)
    extrapolate(past_R, W, past_W, R, past_R)
    after = penalty_value(W, ridge, low, high, l21)[0] + 0.5 * squared_error(R, total)
    if not after < before:
        go_back(W, past_W, R, past_R)


@compiled_inside
def squared_error(R: Array, total: float) -> float:
    """Sum of squares of the centred residuals; ``total`` 0 where they are stored as they are."""
    error = inner_product(R, R)
    if total > 0.0:
        for t in range(R.shape[1]):
            error -= (1.0 + total) * R[-1, t] * R[-1, t]
    return error
