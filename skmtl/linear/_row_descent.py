"""Block descent for the twins: scikit-learn's own steps first, then faster ones."""

import numpy as np

from skmtl.linear._blocks import forms_gram, row_space
from skmtl.linear._statistics import products
from skmtl.linear.solvers._block_descent import (
    BlockSolution,
    RowNorms,
    block_descent,
    block_descent_path,
)
from skmtl.linear.solvers._gram_kernels import gram_gap, sweep
from skmtl.linear.solvers._kernels import compiled, duality_gap, inner_product
from skmtl.linear.solvers._row_kernels import block_grams, sweep_dense
from skmtl.linear.solvers._spaces import DenseRows, GramSpace, SparseRows

N_PLAIN = {GramSpace: 100, DenseRows: 10, SparseRows: 0}
"""Plain sweeps before acceleration. With more samples than features most problems are solved by
then, by the very iterates of scikit-learn: at its default of ``tol`` these end 1e-4 from the
optimum, and a result that is closer would not be the same. On rows a sweep over all features
costs more, and there is more to accelerate."""

PLAIN_WORK = 2_000_000
"""Coefficients swept over before acceleration on a Gram matrix, where that is more: a small
problem is done then, and by steps that do not amplify rounding as extrapolation does."""

MARGIN = 0.3
"""Accelerated descent goes to this part of the gap allowed. Scikit-learn looks at the gap only
when coefficients have come to rest, and so ends with one that is smaller than it has to be."""


def make_space(X, Y, weights, x_mean):
    """Where the descent happens: Y centred, X to be centred by ``x_mean`` (None: do not)."""
    if not forms_gram(X):
        return row_space(X, Y, weights, x_mean)
    means = np.zeros(X.shape[1]) if x_mean is None else x_mean
    return GramSpace(*products(X, Y, weights, means), weights @ (Y**2).sum(axis=1))


def row_path(space, alphas, l1_ratio, W, *, tol, max_iter):
    """Yield a `BlockSolution` for each alpha, the first from W, with `row_descent`'s limit.

    Only a single fit takes scikit-learn's steps: its users compare coefficients.
    """
    stopping = {"tol": tol, "max_iter": max_iter}
    if len(alphas) == 1:
        yield row_descent(space, float(alphas[0]), l1_ratio, W, **stopping)
        return
    norms, max_gap = RowNorms(l21=l1_ratio, l2=1.0 - l1_ratio), tol * space.squares
    yield from block_descent_path(space, norms, alphas, max_gap=max_gap, max_iter=max_iter, W0=W)


def row_descent(space, alpha, l1_ratio, W, *, tol, max_iter):
    """`BlockSolution` from W to a gap of at most ``tol`` times the sum of squares of Y."""
    norms, max_gap = RowNorms(l21=l1_ratio, l2=1.0 - l1_ratio), tol * space.squares
    n_plain, gap = N_PLAIN[type(space)], np.inf
    if isinstance(space, GramSpace):
        n_plain = max(n_plain, min(1000, PLAIN_WORK // W.size))
    n_plain = min(max_iter, n_plain)
    # Where there are more tasks than dimensions it is better to rotate them, and go fast.
    if n_plain and W.shape[1] <= len(space.targets):
        W, terms = np.array(W, order="C"), norms.terms(alpha, len(W))
        gap, n_plain = _plain(space, W, terms, tol, n_plain)
    else:
        n_plain = 0
    if gap <= max_gap or n_plain == max_iter:
        return BlockSolution(W, gap, n_plain)
    solution = block_descent(
        space, norms, alpha=alpha, max_gap=MARGIN * max_gap, max_iter=max_iter - n_plain, W0=W
    )
    return BlockSolution(solution.W, solution.gap, n_plain + solution.n_iter)


def _plain(space, W, terms, tol, max_iter):
    """Cyclic sweeps over all rows of W, in place: (gap, sweeps).

    The gap is looked at when no coefficient moves by more than ``tol`` times the largest, and
    ends them at ``tol`` times the sum of squares of Y.
    """
    point, Q = space.at(W), space.targets
    if isinstance(space, GramSpace):
        return plain_gram(space.gram, Q, point.H, W, space.squares, *terms, tol, max_iter)
    return plain_dense(space.columns, Q, point.R, W, space.squares, *terms, tol, max_iter)


@compiled
def plain_gram(G, Q, H, W, squares, ridge, low, high, l21, tol, max_iter):
    """`_plain` on a Gram matrix."""
    before, product = np.empty_like(W), np.empty_like(W)
    gap = gram_gap(Q, H, W, squares, ridge, low, high, l21)[0]
    n_iter = 0
    while n_iter < max_iter and gap > tol * squares:
        before[:] = W
        sweep(G, H, W, ridge, low, high, l21, product)
        n_iter += 1
        if n_iter == max_iter or np.abs(W - before).max() <= tol * np.abs(W).max():
            gap = gram_gap(Q, H, W, squares, ridge, low, high, l21)[0]
    return gap, n_iter


@compiled
def plain_dense(X, Y, R, W, squares, ridge, low, high, l21, tol, max_iter):
    """`_plain` on the columns (n_columns, n_samples) of X."""
    before, product, grams = np.empty_like(W), np.empty_like(R), block_grams(X)
    gap = row_gap(X, Y, R, W, ridge, low, high, l21)
    n_iter = 0
    while n_iter < max_iter and gap > tol * squares:
        before[:] = W
        sweep_dense(X, grams, R, W, ridge, low, high, l21, product)
        n_iter += 1
        if n_iter == max_iter or np.abs(W - before).max() <= tol * np.abs(W).max():
            gap = row_gap(X, Y, R, W, ridge, low, high, l21)
    return gap, n_iter


@compiled
def row_gap(X, Y, R, W, ridge, low, high, l21):
    """Duality gap from residuals."""
    fit, error = inner_product(R, Y), inner_product(R, R)
    return duality_gap(np.dot(X, R), W, fit, error, ridge, low, high, l21)[0]
