"""Sums over what a task has, or over all tasks where a penalty couples them.

Tasks that have nothing to do with each other take steps of their own: everything that a solver
sums, lengths of steps and products of directions, is one number per task then.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.linear.objective._losses import DataLoss

Array = NDArray[Any]


class TaskSums:
    """Sums per group: of one task each, or of all.

    Parameters
    ----------
    loss : DataLoss
        Loss of the data.
    n_outputs : int
        Columns of the coefficients.
    coupled : bool
        Whether all tasks are one group.
    """

    def __init__(self, loss: DataLoss, n_outputs: int, coupled: bool) -> None:
        self.is_one = coupled or loss.n_tasks == 1
        self.n_groups = 1 if self.is_one else loss.n_tasks
        self.task_index = loss.task_index
        # The task of each column of the coefficients.
        self.owner = owners(loss, n_outputs)
        self._has_single_outputs = n_outputs == loss.n_tasks

    def of_scores(self, A: Array, B: Array) -> Array:
        """Inner products (n_groups,) of raw scores."""
        if self.is_one:
            return np.array([np.vdot(A, B)])
        if self.task_index is not None:
            return np.bincount(self.task_index, np.einsum("ij,ij->i", A, B), self.n_groups)
        return self._by_task(np.einsum("ij,ij->j", A, B))

    def of_coefficients(self, A: Array, B: Array) -> Array:
        """Inner products (n_groups,) of coefficients."""
        if self.is_one:
            return np.array([np.vdot(A, B)])
        return self._by_task(np.einsum("ij,ij->j", A, B))

    def to_scores(self, t: Array, A: Array) -> Array:
        """Raw scores A times the number of their group."""
        if self.is_one:
            return A * t[0]
        return A * (t[self.owner] if self.task_index is None else t[self.task_index][:, None])

    def to_coefficients(self, t: Array, A: Array) -> Array:
        """Coefficients A times the number of their group."""
        return A * (t[0] if self.is_one else t[self.owner])

    def _by_task(self, of_outputs: Array) -> Array:
        if self._has_single_outputs:
            return of_outputs
        return np.bincount(self.owner, of_outputs, self.n_groups)


def owners(loss: DataLoss, n_outputs: int) -> Array:
    """The task (n_outputs,) of each column of the coefficients."""
    if loss.task_index is not None:
        return np.repeat(np.arange(loss.n_tasks), n_outputs // loss.n_tasks)
    found = np.empty(n_outputs, dtype=np.intp)
    for members, block in zip(loss.members, loss.blocks, strict=True):
        found[block.outputs] = np.repeat(members, block.task.n_outputs_)
    return found
