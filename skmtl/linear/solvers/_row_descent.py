"""Block descent for scikit-learn's drop-in classes: its own steps first, then faster ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from skmtl.linear.objective._statistics import products
from skmtl.linear.solvers._block_descent import forms_gram, row_space
from skmtl.linear.solvers._few_features import LazyGramSpace, sampled_space
from skmtl.linear.solvers._spaces import GramSpace, Space
from skmtl.linear.solvers._working_sets import (
    BlockSolution,
    RowNorms,
    block_descent,
    block_descent_path,
)
from skmtl.linear.solvers.compiled._gram import sweeps

Array = NDArray[Any]

N_PLAIN = 100
"""Plain sweeps on a Gram matrix before acceleration. With more samples than features most problems
are solved by then, by the very iterates of scikit-learn: at its default of ``tol`` these end 1e-4
from the optimum, and a result that is closer would not be the same."""

PLAIN_WORK = 2_000_000
"""Coefficients swept over before acceleration on a Gram matrix, where that is more: a small
problem is done then, and by steps that do not amplify rounding as extrapolation does."""

MARGIN = 0.3
"""Accelerated descent goes to this part of the gap allowed. Scikit-learn looks at the gap only
when coefficients have come to rest, and so ends with one that is smaller than it has to be."""


def make_space(X: Any, Y: Array, weights: Array, x_mean: Array | None) -> Space:
    """Where the descent happens: Y centred, X to be centred by ``x_mean`` (None: do not)."""
    if not forms_gram(X):
        return row_space(X, Y, weights, x_mean)
    means = np.zeros(X.shape[1]) if x_mean is None else x_mean
    if (weights == 1.0).all() and not sparse.issparse(X):
        squares = float(np.vdot(Y, Y))
        if (space := sampled_space(X, Y, means, squares)) is not None:
            return space
        return GramSpace(*products(X, Y, weights, means), squares)
    return GramSpace(*products(X, Y, weights, means), weights @ (Y**2).sum(axis=1))


def row_path(
    space: Space, alphas: Array, l1_ratio: float, W: Array, *, tol: float, max_iter: int
) -> Iterator[BlockSolution]:
    """Yield a `BlockSolution` for each alpha, the first from W, with `row_descent`'s limit.

    Only a single fit takes scikit-learn's steps: its users compare coefficients.
    """
    if len(alphas) == 1:
        alpha = float(alphas[0])
        yield row_descent(space, alpha, l1_ratio, W, tol=tol, max_iter=max_iter)
        return
    norms, max_gap = RowNorms(l21=l1_ratio, l2=1.0 - l1_ratio), tol * space.squares
    yield from block_descent_path(space, norms, alphas, max_gap=max_gap, max_iter=max_iter, W0=W)


def row_descent(
    space: Space, alpha: float, l1_ratio: float, W: Array, *, tol: float, max_iter: int
) -> BlockSolution:
    """`BlockSolution` from W to a gap of at most ``tol`` times the sum of squares of Y."""
    norms, max_gap = RowNorms(l21=l1_ratio, l2=1.0 - l1_ratio), tol * space.squares
    gap, n_plain = np.inf, 0
    # Where there are more tasks than dimensions it is better to rotate them, and go fast.
    if isinstance(space, GramSpace) and W.shape[1] <= len(space.targets):
        W, terms = np.array(W, order="C"), norms.terms(alpha, len(W))
        if isinstance(space, LazyGramSpace):
            few = space.few_features(W, terms, tol=tol, max_iter=max_iter)
            if few is not None:
                return few
        n_plain = min(max_iter, max(N_PLAIN, min(1000, PLAIN_WORK // W.size)))
        nothing = np.empty((0, 0))
        gap, n_plain = sweeps(
            space.gram, space.targets, space.at(W).H, W, space.squares, *terms,
            tol, max_gap, n_plain, nothing, nothing,
        )  # fmt: skip
        if gap <= max_gap or n_plain == max_iter:
            return BlockSolution(W, gap, n_plain)
    solution = block_descent(
        space, norms, alpha=alpha, max_gap=MARGIN * max_gap, max_iter=max_iter - n_plain, W0=W
    )
    return BlockSolution(solution.W, solution.gap, n_plain + solution.n_iter)
