"""Labels on distinct rows: cells of a table of rows and tasks."""

from __future__ import annotations

from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class Cells(NamedTuple):
    r"""Labels of one row and task are one cell: their number, their mean, and what they vary.

    For labels :math:`y_1, \dots, y_c` of one cell, noise of variance :math:`\sigma^2` and
    whatever value f of the function,

    .. math:: \prod_j N(y_j \mid f, \sigma^2) = N(\bar y \mid f, \sigma^2 / c) \,
        \frac{(2 \pi \sigma^2)^{-(c - 1) / 2}}{\sqrt c} e^{-\sum_j (y_j - \bar y)^2 / 2 \sigma^2},

    so that rows that are there twice are rows of weight 2, and no covariance is singular for them.

    Attributes
    ----------
    rows, tasks, values, counts : ndarray of shape (n_cells,)
        Place, mean and number of labels, cells of the first task first.
    within : ndarray of shape (n_tasks,)
        Sums of squares around the means.
    shape : tuple of int
        Distinct rows and tasks.
    """

    rows: Array
    tasks: Array
    values: Array
    counts: Array
    within: Array
    shape: tuple[int, int]

    @classmethod
    def of(
        cls, rows: Array, tasks: Array, values: Array, counts: Array, shape: tuple[int, int]
    ) -> Self:
        """Of labels, any number of which may be of one row and task."""
        place = tasks * shape[0] + rows
        found, cell = np.unique(place, return_inverse=True)
        total = np.bincount(cell, counts)
        mean = np.bincount(cell, counts * values) / total
        within = np.bincount(tasks, counts * np.square(values - mean[cell]), shape[1])
        return cls(found % shape[0], found // shape[0], mean, total, within, shape)

    @property
    def is_complete(self) -> bool:
        """Whether there is a cell for every row and task, with as many labels for all tasks."""
        n, n_tasks = self.shape
        if len(self.rows) < n * n_tasks:
            return False
        counts = self.counts.reshape(n_tasks, n)
        return bool((counts == counts[0]).all())

    @property
    def n_repeated(self) -> Array:
        """Labels of every task beside the first of each cell, (n_tasks,)."""
        return np.bincount(self.tasks, self.counts - 1.0, self.shape[1])

    def take(self, kept: Array) -> Cells:
        """Those on some of the rows."""
        position = np.full(self.shape[0], -1)
        position[kept] = np.arange(len(kept))
        rows = position[self.rows]
        used = rows >= 0
        share = np.bincount(self.tasks[used], self.counts[used], self.shape[1])
        total = np.bincount(self.tasks, self.counts, self.shape[1])
        # What labels of a cell vary is taken to be the same everywhere.
        within = self.within * share / total
        place = rows[used], self.tasks[used], self.values[used], self.counts[used]
        return Cells(*place, within, (len(kept), self.shape[1]))


def distinct_rows(X: Array) -> tuple[Array, Array]:
    """Rows that differ, (n_distinct, p), and which of them each row is."""
    # -0.0 is 0.0, but for its bits.
    X = np.ascontiguousarray(X + 0.0)
    as_bytes = X.view(np.dtype((np.void, X.itemsize * X.shape[1]))).ravel()
    _, first, which = np.unique(as_bytes, return_index=True, return_inverse=True)
    return X[first], which.ravel()
