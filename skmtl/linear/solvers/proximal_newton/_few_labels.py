r"""The loss of few labels in compiled functions: value, derivatives, and a bound of the optimum.

What belongs to labels has a row for every column of W: raw scores F (C, n), slopes, and curvatures
(Q, n), those of the columns and then of the pairs of columns of a task. Columns are in the order
of blocks of tasks with one loss, whose labels are one flat array.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.linear.objective._label_block import LabelBlock
from skmtl.linear.solvers.compiled._losses import (
    loss_conjugate,
    loss_slope_and_curvature,
    loss_value,
    softmax_conjugate,
    softmax_curvature,
    softmax_shares,
    softmax_slope,
    softmax_value,
)

Array = NDArray[Any]


class FewLabels:
    """Labels of tasks with one loss.

    Parameters
    ----------
    block : LabelBlock
        Labels and their weights.
    start, start_of_pairs : int
        First of their columns, and of their pairs of columns.
    """

    def __init__(self, block: LabelBlock, start: int, start_of_pairs: int) -> None:
        n_samples, self.n_tasks = block.values.shape
        self.K, self.n_samples = block.task.n_outputs_, n_samples
        loss = block.task.compiled_loss
        assert loss is not None
        self.loss = loss
        self.y, self.weights = block.values.T.ravel(), block.label_weights.T.ravel()
        self.column_weights = np.repeat(block.label_weights.T, self.K, axis=0)
        self.second, self.first = np.tril_indices(self.K, -1)
        n_columns, n_pairs = self.n_tasks * self.K, self.n_tasks * len(self.first)
        self.columns = slice(start, start + n_columns)
        self.pairs = slice(start_of_pairs, start_of_pairs + n_pairs)

    def value(self, F: Array) -> float:
        """Loss at raw scores of all columns."""
        own = F[self.columns]
        return loss_value(*self.loss, own.reshape(-1), self.y, self.weights)

    def derivatives(self, F: Array, slope: Array, bend: Array) -> None:
        """Write slopes and curvatures."""
        own = (A[self.columns].reshape(-1) for A in (F, slope, bend))
        raw, *written = own
        loss_slope_and_curvature(*self.loss, raw, self.y, self.weights, *written)

    def conjugate(self, U: Array) -> float:
        """Conjugate of the loss at U."""
        return loss_conjugate(*self.loss, U[self.columns].reshape(-1), self.y, self.weights)

    def intercept_step(self, g: Array, h: Array, z: Array) -> Array:
        """Write z with H z = g, where h (Q,) are the entries of H; what is left of g."""
        own = self.columns
        is_bent = h[own] > 0
        z[own] = np.divide(g[own], h[own], out=np.zeros_like(g[own]), where=is_bent)
        return np.where(is_bent, 0.0, g[own])


class FewClassLabels(FewLabels):
    """Labels of tasks with classes, whose columns bend together."""

    def value(self, F: Array) -> float:
        raw = self._by_label(F[self.columns])
        self.shares = np.empty_like(raw)
        softmax_shares(raw, self.shares)
        return softmax_value(raw, self.shares, self.y, self.weights)

    def derivatives(self, F: Array, slope: Array, bend: Array) -> None:
        """As above, at the raw scores that `value` was asked for last."""
        shares, weights = self.shares, self.weights
        found = np.empty_like(shares)
        softmax_slope(shares, self.y, weights, found)
        slope[self.columns] = self._by_column(found)
        found = np.empty((len(shares), self.K + len(self.first)))
        softmax_curvature(shares, weights, self.first, self.second, found)
        bend[self.columns] = self._by_column(found[:, : self.K])
        bend[self.pairs] = self._by_column(found[:, self.K :])

    def conjugate(self, U: Array) -> float:
        return softmax_conjugate(self._by_label(U[self.columns]), self.y, self.weights)

    def intercept_step(self, g: Array, h: Array, z: Array) -> Array:
        """With an intercept of 0 for the last class: a constant for all changes nothing."""
        H, own = np.empty((self.n_tasks, self.K, self.K)), g[self.columns].reshape(-1, self.K)
        index = np.arange(self.K)
        H[:, index, index] = h[self.columns].reshape(-1, self.K)
        H[:, self.first, self.second] = h[self.pairs].reshape(self.n_tasks, -1)
        H[:, self.second, self.first] = H[:, self.first, self.second]
        found = np.zeros_like(own)
        found[:, :-1] = np.linalg.solve(H[:, :-1, :-1], own[:, :-1, None])[:, :, 0]
        z[self.columns] = found.ravel()
        return (own - (H @ found[:, :, None])[:, :, 0]).ravel()

    def _by_label(self, A: Array) -> Array:
        by_task = A.reshape(self.n_tasks, self.K, self.n_samples).swapaxes(1, 2)
        return np.ascontiguousarray(by_task.reshape(-1, self.K))

    def _by_column(self, A: Array) -> Array:
        by_task = A.reshape(self.n_tasks, self.n_samples, -1).swapaxes(1, 2)
        return by_task.reshape(-1, self.n_samples)
