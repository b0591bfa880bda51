"""The linear map from coefficients to raw scores, of features that stay in a source."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.sources._stored_rows import StoredRows

Array = NDArray[Any]


class StoredDesign:
    """A `Design` that is, of a block of rows at a time, one in memory.

    Parameters
    ----------
    X : StoredRows
        Features.
    offset : ndarray of shape (n_features,) or (n_features, n_tasks)
        What is subtracted from them.
    task_index : ndarray of shape (n_samples,) or None
        Position of the task of each row, in long form.
    n_tasks : int
        Number of tasks.
    of_block : callable
        From X and task index of a block to its design.
    """

    def __init__(
        self,
        X: StoredRows,
        offset: Array,
        task_index: Array | None,
        n_tasks: int,
        of_block: Callable[[Array, Array | None], Any],
    ) -> None:
        self.X, self.offset, self.n_features = X, offset, X.shape[1]
        self.task_index, self.n_tasks, self._of_block = task_index, n_tasks, of_block

    def _designs(self) -> Iterator[tuple[slice, Any]]:
        """Which rows, and their design."""
        index = self.task_index
        for rows, X in self.X.blocks():
            yield rows, self._of_block(X, None if index is None else index[rows])

    def forward(self, W: Array, b: Array) -> Array:
        raw = np.array(self.shift(b))
        if W.any():
            for rows, design in self._designs():
                raw[rows] = design.forward(W, b)
        return raw

    def adjoint(self, U: Array) -> tuple[Array, Array]:
        gradient: Any = 0.0
        for rows, design in self._designs():
            gradient = gradient + design.adjoint(U[rows])[0]
        return gradient, self.sums(U)

    def shift(self, b: Array) -> Array:
        if self.task_index is None:
            return np.broadcast_to(b, (self.X.shape[0], len(b)))
        return np.asarray(b.reshape(self.n_tasks, -1)[self.task_index])

    def sums(self, U: Array) -> Array:
        if self.task_index is None:
            return np.asarray(U.sum(axis=0))
        columns = [np.bincount(self.task_index, u, self.n_tasks) for u in U.T]
        return np.stack(columns, axis=1).ravel()

    def grams(self, h: Array, *, with_ones: bool = False) -> Array:
        return np.asarray(
            sum(design.grams(h[rows], with_ones=with_ones) for rows, design in self._designs())
        )

    def squares(self, h: Array) -> Array:
        return np.asarray(sum(design.squares(h[rows]) for rows, design in self._designs()))
