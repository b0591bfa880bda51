"""Whole fits in compiled code, where there are few raw scores: a step in numpy takes as long."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from skmtl.linear.objective._losses import DataLoss
from skmtl.linear.solvers._spaces import Terms
from skmtl.linear.solvers.compiled._row_newton import descend_rows
from skmtl.linear.solvers.proximal_newton._pairs import Pairs

Array = NDArray[Any]

FEW_SCORES, FEW_FEATURES = 2**16, 128
"""Raw scores, counting pairs of them, and features up to which fits are compiled as a whole."""


class CompiledFits:
    """Fits of a loss with a penalty on each row of W.

    Parameters
    ----------
    loss : DataLoss
        Loss.
    pairs : Pairs
        Which columns of W bend together.
    free : bool
        Whether there are intercepts, not penalised.
    """

    @classmethod
    def of(cls, loss: DataLoss, pairs: Pairs, free: bool) -> Self | None:
        """Those of a loss that is known there, with few raw scores; else None."""
        n_weights, X = len(pairs.group), loss.design.X
        if (
            loss.task_index is not None
            or sparse.issparse(X)
            or loss.n_samples * n_weights > FEW_SCORES
            or X.shape[1] > FEW_FEATURES
            or any(block.task.compiled_loss is None for block in loss.blocks)
        ):
            return None
        return cls(loss, pairs, free)

    def __init__(self, loss: DataLoss, pairs: Pairs, free: bool) -> None:
        self.free, width = free, pairs.width
        self.X = np.ascontiguousarray((loss.design.X - loss.design.offset).T)
        codes, begins, ends, places = [], [], [], []
        at_pair = width
        for block in loss.blocks:
            for columns in np.arange(width)[block.outputs].reshape(block.values.shape[1], -1):
                codes.append(block.task.compiled_loss)
                begins.append(columns[0])
                ends.append(columns[-1] + 1)
                n_pairs = len(columns) * (len(columns) - 1) // 2
                places.append(np.concatenate([columns, np.arange(at_pair, at_pair + n_pairs)]))
                at_pair += n_pairs
        values, weights = (
            np.ascontiguousarray(np.hstack([getattr(block, name) for block in loss.blocks]).T)
            for name in ("values", "label_weights")
        )
        of_tasks = [code for code, _ in codes], [delta for _, delta in codes], begins, ends
        self.labels = *map(np.array, of_tasks), values, weights
        at = np.cumsum([0, *map(len, places)])
        self.pairs = *pairs.of_a_row, pairs.group, at, np.concatenate(places)
        n_samples = loss.n_samples
        self.work = tuple(np.empty((n, n_samples)) for n in (width, width, width, at_pair))
        self.work = self.work[0], self.work[1], self.work[2], self.work[3]

    def descend(
        self, W: Array, b: Array, terms: Terms, max_gap: float, max_iter: int
    ) -> tuple[float, int]:
        """Minimise in place, from W and b: (gap, steps)."""
        found: tuple[float, int] = descend_rows(
            self.X, self.labels, self.pairs, self.free, terms, max_gap, max_iter, W, b, self.work
        )
        return found
