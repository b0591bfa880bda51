r"""A quadratic model of the loss over some features, and where its sweeps take place.

At raw scores f with slope s and curvature H (label weights included) the model is

.. math:: \sum_{ti} s_{ti}' d_{ti} + \tfrac12 d_{ti}' H_{ti} d_{ti}, \quad d = X dW + 1 db'

The features are less their means under the curvature, for each task its own, so that the
intercepts of tasks with one output are at their best whatever W is, and sweeps converge as if
there were none; for several outputs one mean is close.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from skmtl.linear.objective._few_columns import transposed_times
from skmtl.linear.objective._losses import DataLoss
from skmtl.linear.objective._weighted_grams import weighted_grams
from skmtl.linear.solvers.compiled._label_grams import (
    add_sparse_rows,
    add_task_rows,
    centre,
    weighted_squares,
)
from skmtl.linear.solvers.proximal_newton._pairs import Pairs
from skmtl.linear.solvers.proximal_newton._quadratics import (
    LabelGrams,
    LabelRows,
    Quadratic,
    WeightedColumns,
)

Array = NDArray[Any]

FEW_ROWS, MANY_ROWS, MAX_BYTES = 200, 600, 2**28
"""Rows of W up to which sweeps go over Gram matrices, with many weights per label and with one,
and their memory: forming them has to be worth the few sweeps over the rows of X that it saves."""

FEW_WEIGHTS = 8
"""Weights of a row below which a product of X for each is faster than products of its columns."""

LARGE = 2**20
"""Numbers of X from which on blocks of rows are faster than a product of all: by a fifth for 20
columns, by two thirds for 100."""

BLOCK_BYTES = 2**25
"""Memory of the products of columns that are formed at a time, and kept if they are all."""


class LabelData:
    """The rows of a loss, as quadratic models of it need them.

    Parameters
    ----------
    loss : DataLoss
        Loss.
    shape : tuple (n_features, n_columns)
        Shape of W.
    free : bool
        Whether there are intercepts, not penalised.

    Attributes
    ----------
    end : tuple (W, b, raw scores, (value, slope)) or None
        Where the last descent ended.
    """

    def __init__(self, loss: DataLoss, shape: tuple[int, int], free: bool) -> None:
        self.shape, self.free = shape, free
        self.n_samples, self.n_tasks = loss.n_samples, loss.n_tasks
        self.task_index = loss.task_index
        self.blocks = loss.blocks
        self.design = loss.design
        # Of each column of W; one for all in wide form.
        offset, is_long = self.design.offset, self.task_index is not None
        n_classes = shape[1] // loss.n_tasks
        self.offset = np.repeat(offset, n_classes, axis=1) if is_long else offset[:, None]
        self.pairs = Pairs(loss, shape[1])
        X = self.design.X
        self.is_sparse = sparse.issparse(X)
        self.has_one_column = shape[1] == 1 and self.task_index is None
        self.X = X.tocsc() if self.is_sparse else X
        if self.is_sparse:
            self.X.sum_duplicates()
        self.end: tuple[Array, Array, Array, tuple[float, Array]] | None = None

    @cached_property
    def label_weights(self) -> Array:
        """What each label counts, for each of its raw scores: (n_samples, q)."""
        weights = np.empty((self.n_samples, self.pairs.width))
        for block in self.blocks:
            n_outputs = block.task.n_outputs_
            weights[:, block.outputs] = np.repeat(block.label_weights, n_outputs, axis=1)
        return weights

    @cached_property
    def inverse_weights(self) -> Array:
        """One over `label_weights`, 0 where these are."""
        weights = self.label_weights
        return np.divide(1.0, weights, out=np.zeros_like(weights), where=weights > 0)

    @cached_property
    def lengths(self) -> Array:
        """Sum of squares of each feature under the weights of the rows, (n_features,)."""
        weights = self.label_weights
        if self.task_index is not None:
            return np.maximum(self.design.squares(weights).sum(axis=1), 0.0)
        w, X, offset = weights.sum(axis=1), self.X, self.offset[:, 0]
        if not self.is_sparse:
            return np.maximum(self.design.squares(w[:, None])[:, 0], 0.0)
        squares = weighted_squares(X.data, X.indices, X.indptr, w)
        return np.maximum(squares - offset * (2.0 * (X.T @ w) - offset * w.sum()), 0.0)

    @cached_property
    def task_order(self) -> tuple[Array, Array]:
        """Rows in the order of tasks, and where each begins."""
        index = self.task_index
        assert index is not None
        counts = np.bincount(index, minlength=self.n_tasks)
        return np.argsort(index, kind="stable"), np.concatenate([[0], np.cumsum(counts)])

    def columns(self, rows: Array) -> Any:
        """Columns of X for some rows of W."""
        return self.X if len(rows) == self.shape[0] else self.X[:, rows]

    def forward(self, rows: Array, columns: Any, dW: Array, db: Array) -> Array:
        """Raw scores of coefficients of some features."""
        if self.task_index is None:
            raw = columns @ dW
            raw += db - self.offset[rows, 0] @ dW
            return np.asarray(raw)
        whole = np.zeros(self.shape)
        whole[rows] = dW
        return self.design.forward(whole, db)

    def model(self, rows: Array, bend: Array, slope: Array) -> Quadratic:
        """Model over some features, for these slopes and curvatures."""
        if self.has_one_column and self.is_sparse:
            root = np.sqrt(bend[:, 0])
            # Without curvature there is no bound on what a slope leads to.
            if not slope[root == 0.0].any():
                return WeightedColumns(self, rows, root)
        m, offset, columns = len(rows) + 1, self.offset[rows], self.columns(rows)
        n_stored = columns.nnz if self.is_sparse else columns.size
        n_weights = len(self.pairs.group)
        most = max(FEW_ROWS, MANY_ROWS / np.sqrt(self.pairs.places.shape[1]))
        if m > min(most, FEW_ROWS + 4 * n_stored / m) or 8 * n_weights * m**2 > MAX_BYTES:
            return LabelRows(self, rows, columns, bend)
        if self.task_index is not None and not self.is_sparse:
            # Less the offset: large means of a task would leave nothing of the features.
            G = np.zeros((m, m, n_weights))
            room = np.empty(m), np.empty((m, m))
            add_task_rows(columns, offset, *self.task_order, self.pairs.places, bend, G, *room)
            offset = np.zeros_like(offset)
        else:
            G = self._products(columns, bend)
        means, bound = np.zeros((m, n_weights)), np.empty((m, self.shape[1]))
        pairs = self.pairs
        centre(G, pairs.group, pairs.first, pairs.second, self.free, means, bound)
        if not self.free:
            G, bound = np.ascontiguousarray(G[:-1, :-1]), bound[:-1].copy()
        shift = means[:-1, : self.shape[1]] - offset
        return LabelGrams(self, rows, columns, G, bound, shift)

    @cached_property
    def begin(self) -> Array:
        """First column of W of each row."""
        if self.task_index is None:
            return np.zeros(self.n_samples, dtype=np.intp)
        return self.task_index.astype(np.intp) * self.pairs.width

    def _products(self, columns: Any, bend: Array) -> Array:
        """Lower triangle of the Gram matrices of some columns of X, and of 1 below them."""
        m, places = columns.shape[1] + 1, self.pairs.places
        if self.is_sparse:
            G, X = np.zeros((m, m, len(self.pairs.group))), columns.tocsr()
            where = places if self.task_index is None else places[self.task_index]
            add_sparse_rows(X.data, X.indices, X.indptr, where, bend, G)
            return G
        if bend.shape[1] < FEW_WEIGHTS:
            if columns.size > LARGE:
                return _by_blocks(columns, bend)
            Z, G = self._with_ones(columns), np.empty((m, m, bend.shape[1]))
            for q, h in enumerate(bend.T):
                G[:, :, q] = Z.T @ (Z * h[:, None])
            return G
        return self._from_products_of_columns(columns, bend)

    def _from_products_of_columns(self, columns: Array, bend: Array) -> Array:
        """All of them at once: the products of pairs of columns times the weights."""
        n_samples, m = len(columns), columns.shape[1] + 1
        left, right = np.tril_indices(m)
        at = np.zeros((m, m), dtype=np.intp)
        at[left, right] = np.arange(len(left))
        n_rows = max(BLOCK_BYTES // (8 * len(left)), 16)
        if columns is self.X and n_rows >= n_samples:
            packed = self._all_products @ bend
        else:
            Z, packed = self._with_ones(columns), np.zeros((len(left), bend.shape[1]))
            for start in range(0, n_samples, n_rows):
                part = slice(start, start + n_rows)
                packed += _products_of_columns(Z[part]) @ bend[part]
        return np.take(packed, at, axis=0)

    @cached_property
    def _all_products(self) -> Array:
        return _products_of_columns(self._all_with_ones)

    def _with_ones(self, columns: Array) -> Array:
        if columns is self.X:
            return self._all_with_ones
        return np.column_stack([columns, np.ones(len(columns))])

    @cached_property
    def _all_with_ones(self) -> Array:
        return np.column_stack([self.X, np.ones(len(self.X))])


def _by_blocks(X: Array, bend: Array) -> Array:
    """`LabelData._products` of many rows: blocks of them stay in the cache, and X as it is."""
    p, n_weights = X.shape[1], bend.shape[1]
    G = np.empty((p + 1, p + 1, n_weights))
    G[:p, :p] = weighted_grams(X, bend, np.zeros(p)).transpose(1, 2, 0)
    G[p, :p], G[p, p] = transposed_times(X, bend), bend.sum(axis=0)
    return G


def _products_of_columns(Z: Array) -> Array:
    """Products (m (m + 1) / 2, n_samples) of the columns of Z (n_samples, m) with those before."""
    Z = np.ascontiguousarray(Z.T)
    m, n_samples = Z.shape
    products = np.empty((m * (m + 1) // 2, n_samples))
    for j in range(m):
        begin = j * (j + 1) // 2
        np.multiply(Z[: j + 1], Z[j], out=products[begin : begin + j + 1])
    return products
