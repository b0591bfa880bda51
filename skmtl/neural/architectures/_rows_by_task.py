"""Rows of many tasks, each through the parameters of its own."""

from __future__ import annotations

import torch
from torch import Tensor


class RowsByTask:
    """Rows in blocks of one task each, so that a layer is one batched product over blocks.

    Blocks are as long as a task has rows on average. However uneven the tasks are, there are
    then at most twice as many blocks as tasks with rows, with at most twice as many places as
    rows: neither weights nor activations take more than twice their memory.

    Parameters
    ----------
    task_index : Tensor of shape (n_models, n)
        The task of each row.
    n_tasks : int
        Number of tasks.
    """

    def __init__(self, task_index: Tensor, n_tasks: int) -> None:
        self.task_index = task_index
        n_models = task_index.shape[0]
        first = n_tasks * torch.arange(n_models, device=task_index.device)[:, None]
        owners = (task_index + first).flatten()
        counts = torch.bincount(owners, minlength=n_models * n_tasks)
        self.size = -(-len(owners) // max(1, int(counts.count_nonzero())))
        n_blocks = (counts + self.size - 1) // self.size
        self.owners = torch.repeat_interleave(n_blocks)

        order = owners.argsort(stable=True)
        before = (n_blocks * self.size).cumsum(0) - n_blocks * self.size
        rank = (
            torch.arange(len(owners), device=owners.device)
            - (counts.cumsum(0) - counts)[owners[order]]
        )
        self.places = torch.empty_like(order)
        self.places[order] = before[owners[order]] + rank
        # A place that no row takes holds the first row again; nobody reads what comes of it.
        self.rows = order.new_zeros(len(self.owners) * self.size)
        self.rows[self.places] = torch.arange(len(owners), device=owners.device)

    def affine(self, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """Affine map of each row by its own task.

        Parameters
        ----------
        x : Tensor of shape (n_models, n, n_inputs)
            The rows.
        weight, bias : Tensor of shape (n_models, n_tasks, n_inputs or 1, n_outputs)
            Parameters of all tasks.

        Returns
        -------
        y : Tensor of shape (n_models, n, n_outputs)
            The rows, mapped.
        """
        blocks = x.flatten(0, 1).index_select(0, self.rows).unflatten(0, (-1, self.size))
        mapped = torch.baddbmm(
            bias.flatten(0, 1).index_select(0, self.owners),
            blocks,
            weight.flatten(0, 1).index_select(0, self.owners),
        )
        return mapped.flatten(0, 1).index_select(0, self.places).unflatten(0, x.shape[:2])
