"""Which raw scores of a label bend together: curvatures of columns of W, and of pairs of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.linear.objective._data_point import DataPoint
from skmtl.linear.objective._losses import DataLoss

Array = NDArray[Any]

PAIR_BYTES = 2**28
"""Memory of the curvatures of pairs of outputs above which a diagonal bound takes their place."""


class Pairs:
    """Which columns of raw scores bend together: the outputs of a task.

    Attributes
    ----------
    first, second : ndarray of shape (n_pairs,)
        Columns of W of each pair.
    group : ndarray of shape (n_columns + n_pairs,)
        Column at which the task of each column, and of each pair, begins.
    places : ndarray of shape (n_tasks or 1, q)
        Where the weights of a row, one for each column and pair that it has, are among these.
    """

    def __init__(self, loss: DataLoss, n_columns: int) -> None:
        width = n_columns if loss.task_index is None else n_columns // loss.n_tasks
        sizes = np.array([block.task.n_outputs_ for block in loss.blocks])
        counts = np.array([block.values.shape[1] for block in loss.blocks])
        n_pairs = int(counts @ (sizes * (sizes - 1) // 2))
        self.is_exact = 8 * loss.n_samples * n_pairs <= PAIR_BYTES
        # Twice the diagonal of a matrix whose rows sum to 0, as for a softmax, is above it.
        self.factor = np.ones(width)
        self.blocks: list[tuple[Array, Array, slice]] = []
        firsts, seconds, at = [], [], 0
        begin = np.arange(width)
        for block in loss.blocks:
            columns = np.arange(width)[block.outputs].reshape(block.values.shape[1], -1)
            begin[columns] = columns[:, :1]
            self.factor[columns] = min(columns.shape[1], 2)
            left, right = np.tril_indices(columns.shape[1] if self.is_exact else 1, -1)
            self.blocks.append((left, right, slice(at, at + columns.shape[0] * len(left))))
            firsts.append(columns[:, right].ravel())
            seconds.append(columns[:, left].ravel())
            at += len(firsts[-1])
        self.width, self.n_pairs = width, at
        first, second = np.concatenate(firsts), np.concatenate(seconds)
        self.of_a_row = first, second
        group = np.concatenate([begin, begin[first]])
        if loss.task_index is None:
            self.first, self.second, self.group = first, second, group
            self.places = np.arange(len(group))[None]
        else:
            shift = width * np.arange(loss.n_tasks)[:, None]
            self.first, self.second = (first + shift).ravel(), (second + shift).ravel()
            self.group = np.concatenate([(g + shift).ravel() for g in (begin, begin[first])])
            of_pairs = n_columns + at * np.arange(loss.n_tasks)[:, None] + np.arange(at)
            self.places = np.hstack([np.arange(width) + shift, of_pairs])

    def weights(self, point: DataPoint, floor: Array | float) -> Array:
        """Curvature (n_samples, q) by each column, at least ``floor``, and by each pair."""
        curvature = point.curvature
        if not self.n_pairs:
            diagonal = curvature.diagonal
            return np.maximum(diagonal if self.is_exact else self.factor * diagonal, floor)
        bend = np.empty((len(point.raw), self.width + self.n_pairs))
        for (left, right, pairs), (outputs, matrices) in zip(
            self.blocks, curvature.blocks(), strict=True
        ):
            n_rows = len(matrices)
            diagonal = np.diagonal(matrices, axis1=2, axis2=3)
            bend[:, : self.width][:, outputs] = diagonal.reshape(n_rows, -1)
            shifted = slice(self.width + pairs.start, self.width + pairs.stop)
            bend[:, shifted] = matrices[:, :, left, right].reshape(n_rows, -1)
        np.maximum(bend[:, : self.width], floor, out=bend[:, : self.width])
        return bend
