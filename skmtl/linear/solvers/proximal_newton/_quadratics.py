"""Where the sweeps over a quadratic model take place: Gram matrices, rows of X, its columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from skmtl.linear.solvers.compiled._label_residuals import descend_labels
from skmtl.linear.solvers.compiled._label_sweeps import descend_label_grams
from skmtl.linear.solvers.compiled._weighted_columns import (
    add_columns,
    descend_weighted_columns,
    weigh_columns,
)

if TYPE_CHECKING:
    from skmtl.linear.solvers.proximal_newton._label_model import LabelData

Array = NDArray[Any]
Target = tuple[float, int]
"""Part of the largest gain of a sweep to stop at; most sweeps."""


class Quadratic:
    """A quadratic model over some features and the intercepts.

    Attributes
    ----------
    shift : ndarray of shape (m, n_columns)
        What its features are less than those of the design.
    share : float
        Sweeps end at this part of the largest gain: a fit is fastest so.
    """

    shift: Array
    share: float

    def __init__(self, data: LabelData, rows: Array, columns: Any) -> None:
        self.data, self.rows, self.columns = data, rows, columns

    def descend(self, U: Array, H: Array, V: Array, terms: Sequence[Array], target: Target) -> int:
        """Sweep over V in place; the number of sweeps. U is the slope, H minus the gradient."""
        raise NotImplementedError

    def forward(self, dW: Array, db: Array) -> Array:
        """Raw scores of a change of the coefficients of these features."""
        return self.data.forward(self.rows, self.columns, dW, db)


class LabelGrams(Quadratic):
    """A model on Gram matrices G (m, m, n_columns + n_pairs), as in `_label_sweeps`."""

    share = 1e-4

    def __init__(
        self, data: LabelData, rows: Array, columns: Any, G: Array, bound: Array, shift: Array
    ) -> None:
        super().__init__(data, rows, columns)
        self.G, self.bound, self.shift = G, bound, shift

    def descend(self, U: Array, H: Array, V: Array, terms: Sequence[Array], target: Target) -> int:
        first, second = self.data.pairs.first, self.data.pairs.second
        return descend_label_grams(self.G, first, second, self.bound, H, V, terms, *target)


class LabelRows(Quadratic):
    """A model on columns of X (n_samples, m), sparse or not, as in `_label_residuals`."""

    share = 1e-3

    def __init__(self, data: LabelData, rows: Array, columns: Any, bend: Array) -> None:
        super().__init__(data, rows, columns)
        self.bend, offset, has_ones = bend, data.offset[rows], data.free and data.pairs.n_pairs > 0
        n_samples, m = columns.shape
        ones = np.ones((n_samples, 1))
        if sparse.issparse(columns):
            if has_ones:
                columns = sparse.hstack([columns, sparse.csc_array(ones)], format="csc")
            self.swept = columns.data, columns.indices, columns.indptr
        else:
            if data.task_index is not None:
                columns, offset = columns - offset.T[data.begin], np.zeros_like(offset)
            columns = np.hstack([columns, ones]) if has_ones else columns
            m = columns.shape[1]
            indices = np.tile(np.arange(n_samples), m)
            self.swept = columns.T.ravel(), indices, np.arange(m + 1) * n_samples
        self.shift = -offset

    def descend(self, U: Array, H: Array, V: Array, terms: Sequence[Array], target: Target) -> int:
        data = self.data
        return descend_labels(
            *self.swept, data.begin, *data.pairs.of_a_row, self.bend, data.free,
            U.copy(), H, V, *terms, *target,
        )  # fmt: skip


class WeightedColumns(Quadratic):
    """A model for one column of W on columns of sparse X, as in `_weighted_columns`."""

    share = 1e-3

    def __init__(self, data: LabelData, rows: Array, root: Array) -> None:
        super().__init__(data, rows, None)
        X, m = data.X, len(rows)
        n_stored = int((X.indptr[rows + 1] - X.indptr[rows]).sum())
        self.root, self.shift, self.X = root, -data.offset[rows], (X.data, X.indices, X.indptr)
        self.model = (
            np.empty(n_stored), np.empty(n_stored, dtype=np.int32), np.zeros(m + 1, dtype=np.intp),
            root, np.empty(m), np.empty(m + 1),
        )  # fmt: skip
        weighted, places, ends, _, bound, sums = self.model
        weigh_columns(*self.X, rows, root, data.free, weighted, places, ends, bound, sums)

    def descend(self, U: Array, H: Array, V: Array, terms: Sequence[Array], target: Target) -> int:
        U = np.divide(U[:, 0], self.root, out=np.zeros(len(U)), where=self.root > 0)[:, None]
        return descend_weighted_columns(*self.model, U, V, *terms, *target)

    def forward(self, dW: Array, db: Array) -> Array:
        raw = np.full((len(self.root), 1), db + (self.shift * dW).sum())
        add_columns(*self.X, self.rows, dW[:, 0], raw[:, 0])
        return raw
