r"""Sums over rows that have labels of the same tasks: what tasks say together, not one by one.

The mean over tasks of the labels of a row, with the weights of the tasks' own means,

.. math:: \bar y_i = \frac{\sum_t (s_{ti} / S_t) \, y_{ti}}{\sum_t s_{ti} / S_t},

depends on which tasks have a label there. Rows with weights :math:`s_i = a_i u` for the same u are
a pattern: the second moments of their labels give the sum of :math:`\bar y_i^2`, whatever the
totals :math:`S_t` of all rows become.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

MOST_NUMBERS = 2**20
"""Numbers that the second moments of all patterns may take: 8 MiB."""


MOST_BITS = 53
"""Tasks whose patterns are whole numbers that a float tells apart."""


@dataclass(frozen=True, eq=False)
class RowPatterns:
    """Weights, means and centred second moments of the labels of every pattern.

    Attributes
    ----------
    shapes : ndarray of shape (n_patterns, n_tasks)
        The u above, with 1 as the largest.
    total : ndarray of shape (n_patterns,)
        Sum of a.
    mean : ndarray of shape (n_patterns, n_tasks)
        Mean of the labels, weighted with a.
    squares : ndarray of shape (n_patterns, n_tasks, n_tasks)
        Sums of their centred products.
    """

    shapes: Array
    total: Array
    mean: Array
    squares: Array

    @classmethod
    def of(cls, values: Array, weights: Array) -> Self | None:
        """Those of labels and weights (n_samples, n_tasks); None where they are too many."""
        a = weights.max(axis=1)
        rows = np.flatnonzero(a > 0)
        values, a, weights = values[rows], a[rows], weights[rows]
        shapes, index = _patterns(weights / a[:, None])
        n, n_tasks = shapes.shape
        if _are_many(n, n_tasks):
            return None
        total = np.bincount(index, a, n)
        mean, squares = np.zeros((n, n_tasks)), np.zeros((n, n_tasks, n_tasks))
        order, ends = np.argsort(index, kind="stable"), np.cumsum(np.bincount(index))
        # Of no row there is no pattern, but `split` makes one part.
        for k, of_pattern in enumerate(np.split(order, ends[:-1])[:n]):
            y, w = np.where(shapes[k] > 0, values[of_pattern], 0.0), a[of_pattern]
            mean[k] = w @ y / total[k]
            y = y - mean[k]
            squares[k] = (y.T * w) @ y
        return cls(shapes, total, mean, squares)

    def plus(self, other: Self | None) -> Self | None:
        """Of the rows of both, as exact as one pass (Chan et al., 1983)."""
        if other is None:
            return None
        shapes, index = _patterns(np.vstack([self.shapes, other.shapes]))
        if _are_many(*shapes.shape):
            return None
        n, n_tasks = shapes.shape
        total, mean = np.zeros(n), np.zeros((n, n_tasks))
        squares = np.zeros((n, n_tasks, n_tasks))
        ours, theirs = np.split(index, [len(self.shapes)])
        total[ours], mean[ours], squares[ours] = self.total, self.mean, self.squares
        before = total[theirs]
        share, d = other.total / (before + other.total), other.mean - mean[theirs]
        between = before * share
        squares[theirs] += other.squares
        squares[theirs] += between[:, None, None] * d[:, :, None] * d[:, None, :]
        mean[theirs] += share[:, None] * d
        total[theirs] += other.total
        return type(self)(shapes, total, mean, squares)

    def times(self, factor: float) -> Self:
        """With all weights times a factor."""
        return type(self)(self.shapes, self.total * factor, self.mean, self.squares * factor)

    def take(self, tasks: Any) -> Self:
        """Of some of the tasks; patterns may then be alike."""
        shapes = self.shapes[:, tasks]
        squares = self.squares[:, tasks][:, :, tasks]
        largest = shapes.max(axis=1)
        used = largest > 0
        total = (self.total * largest)[used]
        shapes = shapes[used] / largest[used, None]
        squares = squares[used] * largest[used, None, None]
        return type(self)(shapes, total, self.mean[used][:, tasks], squares)

    def squares_of_means(self, totals: Array, *, centred: bool) -> float:
        r""":math:`\sum_i w_i \bar y_i^2` of rows of weight :math:`w_i = \sum_t s_{ti} / T S_t`.

        ``centred``: with the mean of the labels of each task taken off; ``totals`` are the S.
        """
        shares = self.shapes / totals / len(totals)
        w = shares.sum(axis=1)
        v, mean = shares / w[:, None], self.mean
        if centred:
            by_task = self.total[:, None] * self.shapes
            mean = mean - (by_task * mean).sum(axis=0) / by_task.sum(axis=0)
        within = np.einsum("kt,ktu,ku->k", v, self.squares, v)
        between = self.total * np.einsum("kt,kt->k", v, mean) ** 2
        return float(w @ (within + between))

    def n_rows(self, of_weight_one: Array) -> float:
        """Number of rows, where a weight of 1 of a task stands for so many labels."""
        return float(self.total @ (self.shapes * of_weight_one).max(axis=1))


def _patterns(shapes: Array) -> tuple[Array, Array]:
    """Different rows, and which of them each is."""
    if len(shapes) and (shapes == shapes[0]).all():
        return shapes[:1], np.zeros(len(shapes), dtype=np.intp)
    n_tasks = shapes.shape[1]
    if n_tasks < MOST_BITS and ((shapes == 0.0) | (shapes == 1.0)).all():
        # Numbers are sorted faster than rows, and in the same order.
        codes, index = np.unique(shapes @ 2.0 ** np.arange(n_tasks)[::-1], return_inverse=True)
        bits = codes.astype(np.int64)[:, None] >> np.arange(n_tasks)[::-1]
        return (bits & 1).astype(np.float64), index.ravel()
    found, index = np.unique(shapes, axis=0, return_inverse=True)
    return found, index.ravel()


def _are_many(n_patterns: int, n_tasks: int) -> bool:
    return n_patterns > 1 and n_patterns * n_tasks**2 > MOST_NUMBERS
