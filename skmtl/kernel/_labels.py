"""Labels of all tasks, one after the other."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skmtl.tasks._targets import Targets

Array = NDArray[Any]

MAX_KERNEL_BYTES = 2**30
"""Largest matrix of the dual system; `fit` holds about three of this size."""


class Labels(NamedTuple):
    """Rows, tasks, values and weights (n_labels,) of labels.

    ``is_complete``: they are all rows of task 0, then all of task 1, ..., and the weights are
    those of the rows times those of the tasks.
    """

    rows: Array
    tasks: Array
    values: Array
    weights: Array
    is_complete: bool

    @classmethod
    def of(cls, targets: Targets, weights: Array) -> Labels:
        """Those of ``targets``, each of which counts as much as ``weights`` say."""
        if targets.task_index is not None:
            rows = np.arange(len(weights))
            return cls(rows, targets.task_index, targets.values, weights, False)
        is_complete = bool((targets.weights == targets.weights[:, :1]).all())
        tasks, rows = np.nonzero(targets.weights.T)
        return cls(rows, tasks, targets.values[rows, tasks], weights[rows, tasks], is_complete)

    def take(self, kept: Array, n_rows: int) -> Labels:
        """Those on some of ``n_rows`` rows."""
        position = np.full(n_rows, -1)
        position[kept] = np.arange(len(kept))
        rows = position[self.rows]
        used = rows >= 0
        return Labels(rows[used], self.tasks[used], self.values[used], self.weights[used], False)

    def check_memory(self, n_rows: int) -> None:
        """Raise where the system of the labels on ``n_rows`` rows takes too much memory."""
        size, what = (n_rows, "rows") if self.is_complete else (len(self.rows), "labels")
        if 8 * size**2 > MAX_KERNEL_BYTES:
            raise ValueError(
                f"The kernel of {size} {what} takes {8 * size**2 / 2**30:.1f} GiB, the limit is "
                f"{MAX_KERNEL_BYTES / 2**30:g} GiB. Fit on fewer rows, or approximate: "
                "make_pipeline(Nystroem(), MultiTaskLinear('mean_deviation')) with "
                "sklearn.kernel_approximation.Nystroem."
            )
