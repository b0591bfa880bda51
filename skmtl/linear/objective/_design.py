"""From coefficients to raw scores and back: X W + b in wide and long form."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from skmtl.linear.objective._weighted_grams import weighted_grams, weighted_grams_of_tasks
from skmtl.tasks._targets import Targets

Array = NDArray[Any]


class Design(Protocol):
    """The linear map from coefficients to raw scores."""

    def forward(self, W: Array, b: Array) -> Array:
        """Raw scores of coefficients."""

    def adjoint(self, U: Array) -> tuple[Array, Array]:
        """The transposed map: (gW, gb) of derivatives with respect to the raw scores."""

    def shift(self, b: Array) -> Array:
        """Raw scores of intercepts alone."""

    def sums(self, U: Array) -> Array:
        """What of the transposed map belongs to the intercepts."""

    def grams(self, h: Array) -> Array:
        r"""Weighted Gram matrices :math:`\sum_i h_{ik} (x_i - o)(x_i - o)'` for the offset o.

        Wide: (m, p, p), one for each column of weights h (n_samples, m). Long: (n_tasks * K, p, p)
        for weights (n_samples, K), of the rows of each task, in the order of the columns of W.
        Weights may be 0 or negative; the matrices are exactly symmetric.
        """


class WideDesign:
    """All tasks share the rows of X: raw scores (n_samples, n_outputs)."""

    def __init__(self, X: Any, offset: Array) -> None:
        self.X = X
        self.offset = offset
        self.n_features = X.shape[1]

    def forward(self, W: Array, b: Array) -> Array:
        return np.asarray(self.X @ W + (b - self.offset @ W))

    def adjoint(self, U: Array) -> tuple[Array, Array]:
        sums = U.sum(axis=0)
        return self.X.T @ U - np.outer(self.offset, sums), sums

    def shift(self, b: Array) -> Array:
        return np.broadcast_to(b, (self.X.shape[0], len(b)))

    def sums(self, U: Array) -> Array:
        return np.asarray(U.sum(axis=0))

    def grams(self, h: Array) -> Array:
        return weighted_grams(self.X, h, self.offset)


class LongDesign:
    """A row belongs to one task: raw scores (n_samples, n_classes), W (n_features, T * C).

    The rows are laid out as one sparse block matrix with one block of columns per task, so that
    memory is that of X, whatever the number of tasks.
    """

    def __init__(self, X: Any, task_index: Array, n_tasks: int, offset: Array) -> None:
        n_samples, self.n_features = X.shape
        self.X, self.task_index, self.n_tasks, self.offset = X, task_index, n_tasks, offset
        if sparse.issparse(X):
            indptr, counts = X.indptr, np.diff(X.indptr)
            data = X.data
            columns = X.indices + self.n_features * np.repeat(task_index, counts)
        else:
            indptr = np.arange(n_samples + 1) * self.n_features
            data = X.ravel()
            columns = (np.arange(self.n_features) + self.n_features * task_index[:, None]).ravel()
        shape = (n_samples, n_tasks * self.n_features)
        self.blocks = sparse.csr_array((data, columns, indptr), shape=shape)
        # Kept as CSR: the transpose of a CSR product is several times slower.
        self.blocks_T = self.blocks.T.tocsr()

    def forward(self, W: Array, b: Array) -> Array:
        b = (b - self.offset @ W).reshape(self.n_tasks, -1)
        stacked = W.reshape(self.n_features, self.n_tasks, -1).swapaxes(0, 1)
        raw = self.blocks @ stacked.reshape(self.n_tasks * self.n_features, -1)
        return np.asarray(raw + b[self.task_index])

    def adjoint(self, U: Array) -> tuple[Array, Array]:
        n_classes = U.shape[1]
        sums = self.sums(U)
        stacked = (self.blocks_T @ U).reshape(self.n_tasks, self.n_features, n_classes)
        gradient = stacked.swapaxes(0, 1).reshape(self.n_features, -1)
        return gradient - np.outer(self.offset, sums), sums

    def shift(self, b: Array) -> Array:
        return np.asarray(b.reshape(self.n_tasks, -1)[self.task_index])

    def sums(self, U: Array) -> Array:
        columns = [np.bincount(self.task_index, u, self.n_tasks) for u in U.T]
        return np.column_stack(columns).ravel()

    def grams(self, h: Array) -> Array:
        order = np.argsort(self.task_index, kind="stable")
        starts = np.searchsorted(self.task_index[order], np.arange(self.n_tasks + 1))
        grams = weighted_grams_of_tasks(self.X[order], h[order], self.offset, starts)
        return grams.reshape(-1, self.n_features, self.n_features)


def make_design(X: Any, targets: Targets, offset: Array | None = None) -> Design:
    """Design for the form of ``targets``; ``offset`` (n_features,) is subtracted from X."""
    offset = np.zeros(X.shape[1]) if offset is None else offset
    if targets.task_index is None:
        return WideDesign(X, offset)
    return LongDesign(X, targets.task_index, targets.tasks.n_tasks, offset)
