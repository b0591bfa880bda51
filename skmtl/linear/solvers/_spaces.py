r"""Where block descent does its arithmetic: on Gram matrices, on rows, on sparse rows.

A space holds the data: squared lengths of the columns (``diagonal``), ``targets``, whose row
space is that of the tasks, and ``squares``, :math:`\|Y\|^2`. `at` gives the products
:math:`H = X'R` with the residuals :math:`R = Y - X W`, and the numbers
:math:`\langle R, Y \rangle` and :math:`\|R\|^2`; `descend` improves some rows of W.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from skmtl.linear.solvers.compiled._anderson import MEMORY
from skmtl.linear.solvers.compiled._gram import accelerate, sweeps
from skmtl.linear.solvers.compiled._residuals import descend_dense, descend_sparse

Array = NDArray[Any]
Terms = tuple[float, Array, Array, Array]
"""Ridge, band and radius of the rows of W, as `compiled._row` takes them."""

NO_GAP = -1.0
"""A gap that no coefficients have."""


@dataclass(frozen=True)
class Point:
    """X'R (p, T), the product of R with Y, the squared length of R, and R where it is formed."""

    H: Array
    fit: float
    error: float
    R: Any = None


class Space(Protocol):
    """What block descent asks of the data."""

    @property
    def diagonal(self) -> Array: ...

    targets: Array
    squares: float

    def rotated(self, basis: Array) -> Self:
        """The same data with tasks Y V, for V (T, rank) with orthonormal columns."""

    def at(self, W: Array) -> Point:
        """Point at W (p, T)."""

    def descend(
        self, W: Array, rows: Array, point: Point, terms: Terms, max_gap: float, max_iter: int
    ) -> int:
        """Sweep over ``W``, the coefficients of ``rows``, in place; the others are zero.

        Ends where the gap of these rows alone is at most ``max_gap``, or nothing moves, and
        returns the number of sweeps that moved something.
        """


class GramSpace:
    """Gram matrix X'X (p, p), products X'Y (p, T) and the sum of squares of Y."""

    def __init__(self, gram: Array, cross: Array, squares: float) -> None:
        self.gram, self.targets, self.squares = _dense(gram), _dense(cross), float(squares)
        self.diagonal = np.diag(gram).copy()

    def rotated(self, basis: Array) -> Self:
        return _with_targets(self, self.targets @ basis)

    def at(self, W: Array) -> Point:
        rows = np.flatnonzero(W.any(axis=1))
        # The matrix is symmetric, and rows of it are faster to take than columns.
        product = self.gram @ W if len(rows) == len(W) else self.gram[rows].T @ W[rows]
        H = self.targets - product
        fit = self.squares - float(np.vdot(W, self.targets))
        return Point(H, fit, max(fit - float(np.vdot(W, H)), 0.0))

    def descend(
        self, W: Array, rows: Array, point: Point, terms: Terms, max_gap: float, max_iter: int
    ) -> int:
        gram, cross, H = self.gram, self.targets, point.H
        if len(rows) < len(gram):
            gram, cross, H = gram[np.ix_(rows, rows)], cross[rows], H[rows]
        return _descend(gram, cross, H, W, self.squares, terms, max_gap, max_iter)


class DenseRows:
    """X (n, p) and Y (n, T), both centred where there are intercepts."""

    def __init__(self, X: Array, Y: Array) -> None:
        # Columns of X one after the other: they are what a working set takes.
        self.columns, self.targets = _dense(X.T), _dense(Y)
        self.squares = float(np.vdot(self.targets, self.targets))
        self.diagonal = np.einsum("ji,ji->j", self.columns, self.columns)

    def rotated(self, basis: Array) -> Self:
        return _with_targets(self, self.targets @ basis)

    def at(self, W: Array) -> Point:
        rows = np.flatnonzero(W.any(axis=1))
        R = self.targets - self.columns[rows].T @ W[rows]
        return Point(self.columns @ R, float(np.vdot(R, self.targets)), float(np.vdot(R, R)), R)

    def descend(
        self, W: Array, rows: Array, point: Point, terms: Terms, max_gap: float, max_iter: int
    ) -> int:
        X = self.columns[rows]
        if len(rows) <= 2 * X.shape[1]:
            # A sweep over the Gram matrix then has no more products than one over the rows.
            cross, H, squares = X @ self.targets, point.H[rows], self.squares
            return _descend(X @ X.T, cross, H, W, squares, terms, max_gap, max_iter)
        return descend_dense(X, self.targets, np.copy(point.R), W, *terms, max_gap, max_iter)


class SparseRows:
    r"""Sparse X (n, p), Y (n, T), centred where X is to be, and the means of X (None: do not).

    With weights, the rows of X and Y are multiplied by their roots, and ``total``, otherwise n,
    is the sum of the weights. `compiled._residuals.descend_sparse` explains the centring; the
    residuals are those of X as it is stored, above a last row of :math:`W' \bar x`.
    """

    def __init__(
        self, X: Any, Y: Array, means: Array | None = None, total: float | None = None
    ) -> None:
        X = X.tocsc()
        X.sum_duplicates()
        n_samples, n_features = X.shape
        self.X, self.X_T = X, X.T
        self.means = np.zeros(n_features) if means is None else _dense(means)
        self.total = 0.0 if means is None else float(n_samples if total is None else total)
        squares = np.asarray(X.multiply(X).sum(axis=0)).ravel()
        centred = squares - self.total * self.means**2
        # Rounding must not give a constant column a curvature.
        self.diagonal = np.where(centred > 1e-13 * squares, centred, 0.0)
        self.targets = np.vstack([_dense(Y), np.zeros((1, Y.shape[1]))])
        self.squares = float(np.vdot(self.targets, self.targets))

    def rotated(self, basis: Array) -> Self:
        return _with_targets(self, self.targets @ basis)

    def at(self, W: Array) -> Point:
        R = self.targets.copy()
        if W.any():
            R[:-1] -= self.X @ W
        b = R[-1] = self.means @ W
        H = self.X_T @ R[:-1] + np.outer(self.total * self.means, b)
        error = float(np.vdot(R, R)) - (1.0 + self.total) * float(b @ b)
        return Point(H, float(np.vdot(R, self.targets)), max(error, 0.0), R)

    def descend(
        self, W: Array, rows: Array, point: Point, terms: Terms, max_gap: float, max_iter: int
    ) -> int:
        X = self.X
        return descend_sparse(
            X.data, X.indices, X.indptr, self.diagonal, self.means, self.total, rows,
            self.targets, np.copy(point.R), W, *terms, max_gap, max_iter,
        )  # fmt: skip


def _descend(
    gram: Array, cross: Array, H: Array, W: Array, squares: float, terms: Terms,
    max_gap: float, max_iter: int,
) -> int:  # fmt: skip
    """Sweeps over all rows of W, accelerated, as `Space.descend` has them; at least one."""
    past_W, past_H = np.empty((2, MEMORY + 1, W.size))
    data, n_iter = (gram, cross, H, W, squares, *terms, np.inf), 0
    while n_iter < max_iter:
        past_W[0], past_H[0] = W.ravel(), H.ravel()
        n_most = min(MEMORY, max_iter - n_iter)
        gap, n_done = sweeps(*data, max_gap, n_most, past_W, past_H)
        n_iter += n_done
        if gap <= max_gap or n_done < n_most:
            break
        if n_done == MEMORY:
            accelerate(cross, H, W, past_W, past_H, *terms)
    # The gap of these rows may be small where that of all is not.
    return n_iter or sweeps(*data, NO_GAP, 1, past_W, past_H)[1]


def _with_targets(space: Any, targets: Array) -> Any:
    space = copy(space)
    space.targets = _dense(targets)
    return space


def _dense(array: Any) -> Array:
    return np.ascontiguousarray(array, dtype=np.float64)
