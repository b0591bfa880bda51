"""Raw scores drawn to those of a constant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Shrinkage:
    r"""Raw scores between a constant :math:`o_t` and what a network says.

    .. math:: o_t + k_t \, (f_t(x) - o_t)

    Parameters
    ----------
    origin : list of ndarray of shape (n_outputs_of_task,)
        Raw scores of a constant for each task of the network.
    factor : ndarray of shape (n_tasks,)
        What counts of the network, between 0 and 1; in long form the same for every task.
    """

    origin: list[Array]
    factor: Array

    def apply(
        self, raw: Array, task_index: Array | None = None, seen: Array | None = None
    ) -> Array:
        """Raw scores (..., n, n_outputs), shrunk; in long form those of the row's task.

        Rows of an unknown task (index -1) have the mean over the tasks in the mask ``seen``.
        """
        if task_index is None:
            origin = np.concatenate(self.origin)
            factor = np.repeat(self.factor, [len(one) for one in self.origin])
        else:
            by_task = np.array(self.origin)
            origin = np.vstack([by_task, by_task[seen].mean(axis=0)])[task_index]
            factor = np.append(self.factor, self.factor[0])[task_index, None]
        return origin + factor * (raw - origin)
