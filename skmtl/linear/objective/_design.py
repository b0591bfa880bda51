"""From coefficients to raw scores and back: X W + b in wide and long form."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from skmtl.linear.objective._few_columns import times, transposed_times
from skmtl.linear.objective._stored_design import StoredDesign
from skmtl.linear.objective._task_rows import (
    TaskRows,
    weighted_grams_of_tasks,
    weighted_squares_of_tasks,
)
from skmtl.linear.objective._weighted_grams import weighted_grams, weighted_squares
from skmtl.sources._stored_rows import StoredRows
from skmtl.tasks._targets import Targets

Array = NDArray[Any]


class Design(Protocol):
    """The linear map from coefficients to raw scores, of X (n_samples, n_features) less offset."""

    X: Any
    offset: Array
    n_features: int

    def forward(self, W: Array, b: Array) -> Array:
        """Raw scores of coefficients."""

    def adjoint(self, U: Array) -> tuple[Array, Array]:
        """The transposed map: (gW, gb) of derivatives with respect to the raw scores."""

    def shift(self, b: Array) -> Array:
        """Raw scores of intercepts alone."""

    def sums(self, U: Array) -> Array:
        """What of the transposed map belongs to the intercepts."""

    def grams(self, h: Array, *, with_ones: bool = False) -> Array:
        r"""Weighted Gram matrices :math:`\sum_i h_{ik} (x_i - o)(x_i - o)'` for the offset o.

        Wide: (m, p, p), one for each column of weights h (n_samples, m). Long: (n_tasks * K, p, p)
        for weights (n_samples, K), of the rows of each task, in the order of the columns of W.
        Weights may be 0 or negative; the matrices are exactly symmetric. ``with_ones`` gives them
        another row and column, last, for a column of ones beside X.
        """

    def squares(self, h: Array) -> Array:
        """Diagonals of `grams`, (n_features, m) or (n_features, n_tasks * K)."""


class WideDesign:
    """All tasks share the rows of X: raw scores (n_samples, n_outputs)."""

    def __init__(self, X: Any, offset: Array) -> None:
        self.X = X
        self.offset = offset
        self.n_features = X.shape[1]

    def forward(self, W: Array, b: Array) -> Array:
        if not W.any():
            return np.full((self.X.shape[0], len(b)), b)
        raw = times(self.X, W)
        raw += b - self.offset @ W
        return raw

    def adjoint(self, U: Array) -> tuple[Array, Array]:
        gradient, sums = transposed_times(self.X, U), self.sums(U)
        gradient -= self.offset[:, None] * sums
        return gradient, sums

    def shift(self, b: Array) -> Array:
        return np.broadcast_to(b, (self.X.shape[0], len(b)))

    def sums(self, U: Array) -> Array:
        # Sums along short rows take longer than a product.
        return np.asarray(U.sum(axis=0) if U.shape[1] == 1 else self._ones @ U)

    @cached_property
    def _ones(self) -> Array:
        return np.ones(self.X.shape[0])

    def grams(self, h: Array, *, with_ones: bool = False) -> Array:
        grams = weighted_grams(self.X, h, self.offset)
        if not with_ones:
            return grams
        m, p = grams.shape[:2]
        bordered = np.empty((m, p + 1, p + 1))
        bordered[:, :p, :p] = grams
        return _with_border(bordered, *self.adjoint(h))

    def squares(self, h: Array) -> Array:
        return weighted_squares(self.X, h, self.offset)


class LongDesign:
    """A row belongs to one task: raw scores (n_samples, n_classes), W (n_features, T * C).

    The offset is (n_features, T), for each task its own.

    Seen with a block of columns for each task, X has one block (1, n_features) in each row: a
    sparse matrix on top of X, which is not copied, whatever the order of its rows.
    """

    def __init__(self, X: Any, task_index: Array, n_tasks: int, offset: Array) -> None:
        n_samples, self.n_features = X.shape
        self.task_index, self.n_tasks = task_index, n_tasks
        columns = offset if offset.ndim == 2 else offset[:, None]
        self.offset = np.broadcast_to(columns, (self.n_features, n_tasks))
        shape = n_samples, n_tasks * self.n_features
        dtype = np.int32 if max(X.nnz if sparse.issparse(X) else 0, *shape) < 2**31 else np.int64
        block, ends = task_index.astype(dtype), np.arange(n_samples + 1, dtype=dtype)
        self._members = sparse.csc_array(
            (np.ones(n_samples), block, ends), shape=(n_tasks, n_samples)
        )
        self.blocks: Any
        if sparse.issparse(X):
            self.X = X = X.tocsr()
            columns = X.indices + self.n_features * np.repeat(block, np.diff(X.indptr))
            self.blocks = sparse.csr_array((X.data, columns, X.indptr), shape=shape)
        else:
            self.X = np.ascontiguousarray(X)
            self.blocks = sparse.bsr_array((self.X[:, None, :], block, ends), shape=shape)

    def forward(self, W: Array, b: Array) -> Array:
        if not W.any():
            return self.shift(b)
        by_task = W.reshape(self.n_features, self.n_tasks, -1)
        raw = self.shift(b - np.einsum("pt,ptc->tc", self.offset, by_task).ravel())
        raw += self.blocks @ by_task.swapaxes(0, 1).reshape(-1, raw.shape[1])
        return raw

    def adjoint(self, U: Array) -> tuple[Array, Array]:
        sums = self.sums(U)
        gradient = self._transposed(U).reshape(self.n_tasks, self.n_features, -1).swapaxes(0, 1)
        gradient = gradient - self.offset[:, :, None] * sums.reshape(self.n_tasks, -1)
        return gradient.reshape(self.n_features, -1), sums

    def _transposed(self, U: Array) -> Array:
        """The blocks transposed times U, (n_tasks, n_features * n_classes)."""
        if sparse.issparse(self.X):
            return np.asarray(self.blocks.T @ U)
        of_tasks, shape = (self._members.indices, self._members.indptr), self._members.shape
        products = [sparse.csc_array((u, *of_tasks), shape=shape) @ self.X for u in U.T]
        return products[0] if len(products) == 1 else np.stack(products, axis=2)

    def shift(self, b: Array) -> Array:
        return np.asarray(b.reshape(self.n_tasks, -1)[self.task_index])

    def sums(self, U: Array) -> Array:
        return np.asarray(self._members @ U).ravel()

    @cached_property
    def _rows(self) -> TaskRows:
        return TaskRows(self.task_index, self.n_tasks)

    def grams(self, h: Array, *, with_ones: bool = False) -> Array:
        grams = weighted_grams_of_tasks(self.X, h, self.offset, self._rows, int(with_ones))
        grams = grams.reshape(-1, *grams.shape[2:])
        return _with_border(grams, *self.adjoint(h)) if with_ones else grams

    def squares(self, h: Array) -> Array:
        squares = weighted_squares_of_tasks(self.X, h, self.offset, self._rows)
        return squares.reshape(-1, self.n_features).T


def _with_border(grams: Array, products: Array, sums: Array) -> Array:
    """Gram matrices with their last rows and columns, those of a column of ones."""
    grams[:, -1, :-1] = grams[:, :-1, -1] = products.T
    grams[:, -1, -1] = sums
    return grams


def make_design(X: Any, targets: Targets, offset: Array | None = None) -> Design:
    """Design for the form of ``targets``.

    ``offset`` (n_features,) is subtracted from X; in long form also (n_features, n_tasks).
    """
    offset = np.zeros(X.shape[1]) if offset is None else offset
    if isinstance(X, StoredRows):
        index, n_tasks = targets.task_index, targets.tasks.n_tasks

        def of_block(rows: Array, index: Array | None) -> Design:
            if index is None:
                return WideDesign(rows, offset)
            return LongDesign(rows, index, n_tasks, offset)

        return StoredDesign(X, offset, index, n_tasks, of_block)
    if targets.task_index is None:
        return WideDesign(X, offset)
    return LongDesign(X, targets.task_index, targets.tasks.n_tasks, offset)
