"""Losses of the tasks, many tasks in one call."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from skmtl._indexing import as_slice
from skmtl.neural._data import Batch
from skmtl.neural.gradients._compiled import squared
from skmtl.tasks import Task
from skmtl.tasks._task_set import TaskSet

Array = NDArray[Any]
Columns = slice | Tensor | None
"""Some columns as the cheapest thing that picks them: None for all, a slice, or an index."""


class Objective:
    """Task losses of a batch, as tensors.

    Tasks with the same loss form a `Block` and are computed together. A batch's loss is an
    unbiased estimate of the task's mean over all its labels: weights are normalised once,
    over all rows, and a batch divides by its number of rows alone.
    """

    def __init__(self, tasks: TaskSet, device: torch.device) -> None:
        self.is_long = tasks.is_long
        self.n_tasks = tasks.n_tasks
        self.blocks = [
            (
                block.task,
                _columns(block.outputs, tasks.n_outputs, device),
                _columns(block.tasks, len(tasks.tasks), device),
            )
            for block in tasks.blocks
        ]
        # Where each task's loss lies among those of the blocks; the constant ones come last.
        found = np.concatenate([[], *(block.tasks for block in tasks.blocks)]).astype(int)
        silent = np.setdiff1d(np.arange(len(tasks.tasks)), found)
        self.n_silent = len(silent)
        self.is_squared = not silent.size and len(self.blocks) == 1 and _is_squared(*self.blocks[0])
        self.order = _columns(np.argsort(np.r_[found, silent]), len(tasks.tasks), device)

    @property
    def is_empty(self) -> bool:
        """Whether no task has anything to learn."""
        return not self.blocks

    def __call__(self, raw: Tensor, batch: Batch) -> Tensor:
        """Losses (n_models, n_tasks) of raw scores (n_models, n, n_outputs).

        There may be several raw scores per row, all of the first before all of the second.
        """
        n_rows = batch.values.shape[1]
        batch = batch.repeat(raw.shape[1] // n_rows)
        if self.is_long:
            return self._long_losses(raw, batch, n_rows)
        losses = []
        for task, outputs, tasks in self.blocks:
            scores, weights = _pick(raw, outputs), _pick(batch.weights, tasks)
            scores = scores.view(*weights.shape, -1)
            values = _pick(batch.values, tasks)
            labels = values, weights, batch.all_observed
            losses.append(_label_weights(task, scores, *labels, n_rows).mean(1))
        return self._in_order(losses, raw)

    def _in_order(self, losses: list[Tensor], raw: Tensor) -> Tensor:
        """Losses of the blocks, and of the constant tasks, in the order of the tasks."""
        if self.n_silent:
            losses.append(raw.new_zeros(raw.shape[0], self.n_silent))
        if len(losses) == 1:
            return losses[0]
        return _pick(torch.cat(losses, dim=1), self.order)

    def with_slopes(self, raw: Tensor, batch: Batch) -> tuple[Tensor, Tensor | None]:
        """Losses, and the derivative of each by the raw scores of its task, wide: (like raw).

        May write to the raw scores.
        """
        if self.is_squared and batch.all_alike and raw.is_cpu:
            return _squared(raw, batch.values)
        slopes, losses = None, []
        share = 1.0 / raw.shape[1]
        for task, outputs, tasks in self.blocks:
            weights = _pick(batch.weights, tasks)
            scores = _pick(raw, outputs).view(*weights.shape, -1)
            scores = _where_observed(scores, weights, batch.all_observed)
            values = _pick(batch.values, tasks)
            if task.sees_rows:
                label_weights, slope = _slopes_of_rows(task, scores, values, weights)
            else:
                label_weights, slope = task.torch_loss_and_grad(scores, values)
            if batch.all_alike or task.sees_rows:
                losses.append(label_weights.sum(1).mul_(share))
                slope.mul_(share)
            else:
                weights = weights * share
                losses.append((label_weights * weights).sum(1))
                slope.mul_(weights.unsqueeze(-1))
            slope = slope.flatten(-2)
            if outputs is None:
                slopes = slope
                continue
            slopes = torch.zeros_like(raw) if slopes is None else slopes
            slopes[..., outputs] = slope
        return self._in_order(losses, raw), slopes

    def observed(self, batch: Batch) -> Tensor:
        """Tasks that have labels in the batch (n_models, n_tasks)."""
        if batch.all_observed and not self.is_long:
            return batch.weights.new_ones(len(batch.weights), self.n_tasks, dtype=torch.bool)
        has_label = batch.weights > 0
        if not self.is_long:
            return has_label.any(1)
        counts = has_label.new_zeros(len(has_label), self.n_tasks, dtype=torch.int64)
        return counts.scatter_add(1, _index(batch), has_label.long()) > 0

    def _long_losses(self, raw: Tensor, batch: Batch, n_rows: int) -> Tensor:
        losses = raw.new_zeros(raw.shape[0], self.n_tasks)
        for task, _, _ in self.blocks:
            labels = batch.values, batch.weights, batch.all_observed
            label_weights = _label_weights(task, raw, *labels, n_rows)
            losses = losses.scatter_add(1, _index(batch), label_weights / raw.shape[1])
        return losses


def _index(batch: Batch) -> Tensor:
    """The task of each row, in long form."""
    assert batch.task_index is not None
    return batch.task_index


def _is_squared(task: Task, outputs: Columns, tasks: Columns) -> bool:
    """Whether a block has squared losses, and the columns of the scores in their order."""
    return task.has_squared_loss and outputs is tasks is None


def _squared(raw: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
    """`Objective.with_slopes` of squared losses alone, in one pass."""
    residual = raw.numpy()
    losses = np.empty((len(residual), residual.shape[2]), residual.dtype)
    squared(residual, values.numpy(), residual.dtype.type(1.0 / residual.shape[1]), losses)
    return torch.from_numpy(losses), raw


def _label_weights(
    task: Task, scores: Tensor, values: Tensor, weights: Tensor, all_observed: bool, n_rows: int
) -> Tensor:
    """Weighted losses of single labels; scores of so many rows know of each other."""
    scores = _where_observed(scores, weights, all_observed)
    if not task.sees_rows:
        return task.torch_loss(scores, values) * weights
    # Several raw scores per row: each is one of another network.
    apart = [part.unflatten(1, (-1, n_rows)).flatten(0, 1) for part in (scores, values, weights)]
    return task.torch_loss_of_rows(*apart).reshape(weights.shape) * weights


def _slopes_of_rows(
    task: Task, scores: Tensor, values: Tensor, weights: Tensor
) -> tuple[Tensor, Tensor]:
    """Weighted losses of single labels, and the derivatives of their sum."""
    with torch.enable_grad():
        scores = scores.detach().requires_grad_()
        label_weights = task.torch_loss_of_rows(scores, values, weights) * weights
        (slope,) = torch.autograd.grad(label_weights.sum(), scores)
    return label_weights.detach(), slope


def _where_observed(scores: Tensor, weights: Tensor, all_observed: bool) -> Tensor:
    """Where no label is, not even an overflow may pass: 0 times infinity is NaN."""
    return scores if all_observed else torch.where((weights > 0).unsqueeze(-1), scores, 0.0)


def _columns(index: Array, n_columns: int, device: torch.device) -> Columns:
    """An index as `Columns`."""
    if np.array_equal(index, np.arange(n_columns)):
        return None
    if isinstance(columns := as_slice(index), slice):
        return columns
    return torch.from_numpy(np.asarray(index, dtype=np.int64)).to(device)


def _pick(tensor: Tensor, columns: Columns) -> Tensor:
    if columns is None:
        return tensor
    if isinstance(columns, slice):
        return tensor[..., columns]
    return tensor.index_select(-1, columns)
