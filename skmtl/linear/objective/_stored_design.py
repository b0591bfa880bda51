"""The linear map from coefficients to raw scores, of features that stay in a source."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
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

    def _along(self, *arrays: Array) -> Callable[[slice], tuple[Any, ...]]:
        """What goes along with some rows: their tasks, and their rows of arrays."""
        index = self.task_index
        return lambda rows: (None if index is None else index[rows], *(a[rows] for a in arrays))

    def _of(self, method: str, **options: Any) -> Any:
        return partial(_of_design, self._of_block, method, options)

    def forward(self, W: Array, b: Array) -> Array:
        raw = np.array(self.shift(b))
        if W.any():
            for rows, found in self.X.each(self._of("forward", W=W, b=b), self._along()):
                raw[rows] = found
        return raw

    def adjoint(self, U: Array) -> tuple[Array, Array]:
        return self.X.total(self._of("adjoint"), self._along(U)), self.sums(U)

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
        found = self.X.total(self._of("grams", with_ones=with_ones), self._along(h))
        return np.asarray(found)

    def squares(self, h: Array) -> Array:
        return np.asarray(self.X.total(self._of("squares"), self._along(h)))


def _of_design(
    of_block: Callable[..., Any], method: str, options: Any, X: Array, index: Any, *arrays: Array
) -> Any:
    """What a method of the design of a block returns; of gradients that of the coefficients."""
    found = getattr(of_block(X, index), method)(*arrays, **options)
    return found[0] if method == "adjoint" else found
