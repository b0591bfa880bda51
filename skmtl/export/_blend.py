r"""Weighted means :math:`\sum_m w_{mt} p_{mti}` of what members and a constant expect."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from skmtl.export._module import Module
from skmtl.export._predictor import Array, buffer, constant, row_of
from skmtl.tasks._base import Task
from skmtl.tasks._task_set import TaskSet


class Blend(Module):
    """`skmtl._blending.mix`: ``weights`` are (n_members, n_tasks)."""

    def __init__(self, tasks: TaskSet, weights: Array) -> None:
        super().__init__()
        self.tasks, self.n_members = tasks, len(weights)
        if tasks.is_long:
            weights = np.column_stack([weights, weights.mean(axis=1)])
        self.used = weights > 0
        self.register_buffer("weights", buffer(np.asarray(weights, dtype=np.float64)))

    def forward(
        self, said: Sequence[list[Any]], constants: Sequence[Any] | None, index: Tensor | None
    ) -> list[Tensor]:
        """``said`` by each member of each column of y; the last member may be constants.

        What is said by a member without any weight is not looked at.
        """
        return [self._mixed(k, said, constants, index) for k in range(len(self.tasks.tasks))]

    def _mixed(self, k: int, said: Any, constants: Any, index: Tensor | None) -> Tensor:
        task = self.tasks.tasks[k]
        parts = [(m, of_member[k]) for m, of_member in enumerate(said)]
        if constants is not None:
            like = next(iter(self._first_tensor(said)))
            parts.append((len(said), constant(like, constants[k])))
        column: Any = slice(None) if index is not None else k
        parts = [(m, part) for m, part in parts if np.any(self.used[m, column])]
        total: Any = 0.0
        for m, part in parts:
            part = to_blend(task, part)
            if index is None:
                total = total + self.weights[m, k] * part
                continue
            weight = self.weights[m][row_of(index, self.tasks.n_tasks)]
            weight = weight.reshape(-1, *[1] * (part.dim() - 1))
            total = total + torch.where(weight > 0, weight * part, 0.0)
        return from_blend(task, total)

    def _first_tensor(self, said: Any) -> Any:
        return (part for of_member in said for part in of_member if part is not None)


def to_blend(task: Task, expected: Tensor) -> Tensor:
    """`Task.to_blend`: logarithms of times."""
    return expected.log() if task.has_times else expected


def from_blend(task: Task, blended: Tensor) -> Tensor:
    """The way back."""
    return blended.exp() if task.has_times else blended
