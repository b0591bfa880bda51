r"""One lasso on many rows of which few features matter: a Gram matrix of these alone.

A sample of the rows guesses which features these are. Coefficients of the others are 0, and the
duality gap over all features says whether that was right, from one product of X with the residuals:
for a few tasks a fraction of the operations that the whole Gram matrix takes.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.linear.objective._few_columns import transposed_times
from skmtl.linear.objective._statistics import products
from skmtl.linear.objective._weighted_grams import DIGITS_LOST
from skmtl.linear.solvers._spaces import GramSpace, Terms
from skmtl.linear.solvers._working_sets import BlockSolution
from skmtl.linear.solvers.compiled._gram import sweeps
from skmtl.linear.solvers.compiled._row import duality_gap
from skmtl.linear.solvers.compiled._thin_products import add_product

Array = NDArray[Any]

WORTHWHILE = 50_000_000
"""Multiplications of the whole Gram matrix, some milliseconds, up to which it is formed at once."""

SHARE, PIECES, ROWS_PER_FEATURE = 10, 8, 2
"""One row in so many is in the sample, which is so many pieces of X, and has at least so many rows
for every feature."""

GUESS_SWEEPS, NEAR = 10, 0.8
"""Sweeps on the sample, and the part of the bound from which a feature is taken for one that
matters: the sample is noise of one over the root of its rows."""

SAVED, SLOW, ROUNDS = 0.6, 2.0, 2
"""Part of the operations of the whole Gram matrix that guesses may take; how much slower thin
products are; and how often features are let in."""

MARGIN = 0.3
"""The gap of the features that were let in, over that of all: the bound of these is lower."""


class LazyGramSpace(GramSpace):
    """`GramSpace` of rows that count the same, whose matrix is formed when it is asked for.

    Parameters
    ----------
    X, Y : ndarray of shape (n, p) and (n, T)
        Features, and centred labels.
    x_mean : ndarray of shape (p,)
        Means of the features; 0 where they are not centred.
    squares : float
        Sum of squares of Y.
    sample : ndarray of shape (p, p)
        Centred Gram matrix of the sample, times the rows there are for each of it.
    """

    def __init__(self, X: Array, Y: Array, x_mean: Array, squares: float, sample: Array) -> None:
        self.X, self.x_mean, self.sample = X, x_mean, sample
        # Tasks as rows: each has its numbers in one piece.
        self.labels, self.squares = np.ascontiguousarray(Y.T), squares
        self.targets = self._products(self.labels)

    @cached_property
    def gram(self) -> Array:  # type: ignore[override]
        """The whole matrix."""
        return products(self.X, self.labels.T, np.ones(len(self.X)), self.x_mean)[0]

    @cached_property
    def diagonal(self) -> Array:  # type: ignore[override]
        """Its diagonal."""
        return np.diag(self.gram).copy()

    def _products(self, R: Array) -> Array:
        """Products of the centred features with R (T, n)."""
        if self.X.flags.c_contiguous:
            product = transposed_times(self.X, R.T)
        else:
            product = np.zeros((self.X.shape[1], len(R)))
            add_product(self.X.T, R, product)
        return product - np.outer(self.x_mean, R @ np.ones(R.shape[1]))

    def few_features(
        self, W: Array, terms: Terms, *, tol: float, max_iter: int
    ) -> BlockSolution | None:
        """What `row_descent` finds, to the same gap; None where many features matter.

        W is changed, and a better start then.
        """
        rows, n_iter, inner = self._guess(terms), 0, tol
        for _ in range(ROUNDS):
            if not self._is_cheaper(len(rows), W.shape[1]):
                return None
            inner *= MARGIN
            gap, n_more, H = self._solve(W, rows, terms, tol, inner, max_iter - n_iter)
            n_iter += n_more
            if gap <= tol * self.squares or n_iter >= max_iter:
                return BlockSolution(W, gap, n_iter)
            rows = np.union1d(rows, np.flatnonzero(np.linalg.norm(H, axis=1) > terms[3]))
        return None

    def _guess(self, terms: Terms) -> Array:
        """Features that matter in the sample, if it has the products with Y of all rows."""
        W, H, nothing = np.zeros_like(self.targets), self.targets.copy(), np.empty((0, 0))
        sweeps(
            self.sample, self.targets, H, W, self.squares, *terms,
            np.inf, 0.0, GUESS_SWEEPS, nothing, nothing,
        )  # fmt: skip
        return np.flatnonzero(W.any(axis=1) | (np.linalg.norm(H, axis=1) > NEAR * terms[3]))

    def _is_cheaper(self, n_rows: int, n_tasks: int) -> bool:
        """Whether a solution on so many features takes fewer operations than all of the matrix."""
        n_features = len(self.targets)
        whole, thin = n_features**2 / 2, (n_rows + n_features) * n_tasks
        return n_rows**2 / 2 + SLOW * thin <= SAVED * whole

    def _solve(
        self, W: Array, rows: Array, terms: Terms, tol: float, inner: float, max_iter: int
    ) -> tuple[float, int, Array]:
        """Sweeps over some rows of W, the others 0: gap over all rows, sweeps, and X'R."""
        ridge, low, high, l21 = terms
        X = self._columns(rows)
        gram, cross, start = X @ X.T, self.targets[rows], W[rows]
        H, nothing = cross - gram @ start, np.empty((0, 0))
        _, n_iter = sweeps(
            gram, cross, H, start, self.squares, ridge, low[rows], high[rows], l21[rows],
            tol, inner * self.squares, max_iter, nothing, nothing,
        )  # fmt: skip
        W[:] = 0.0
        W[rows] = start
        R = self.labels - start.T @ X
        H = self._products(R)
        fit, error = float(np.vdot(R, self.labels)), float(np.vdot(R, R))
        return duality_gap(H, W, fit, error, *terms)[0], n_iter, H

    def _columns(self, rows: Array) -> Array:
        """Some of the features, centred, as rows."""
        if self.X.flags.c_contiguous:
            return np.ascontiguousarray(np.subtract(self.X[:, rows], self.x_mean[rows]).T)
        return np.subtract(self.X.T[rows], self.x_mean[rows, None])


def sampled_space(X: Any, Y: Array, x_mean: Array, squares: float) -> LazyGramSpace | None:
    """A space whose matrix may not be needed; None where it is cheap, or a sample says little."""
    n_samples, n_features = X.shape
    size = n_samples // (SHARE * PIECES)
    if n_samples * n_features**2 <= WORTHWHILE or size * PIECES < ROWS_PER_FEATURE * n_features:
        return None
    starts = np.linspace(0, n_samples - size, PIECES).astype(int).tolist()
    rows = [X[start : start + size] for start in starts]
    n_sampled = size * PIECES
    mean = sum(np.ones(size) @ some for some in rows) / n_sampled
    gram = sum(some.T @ some for some in rows) - n_sampled * np.outer(mean, mean) * bool(
        x_mean.any()
    )
    if (DIGITS_LOST * gram.diagonal() < n_sampled * mean**2).any():
        return None
    return LazyGramSpace(X, Y, x_mean, squares, gram * (n_samples / n_sampled))
