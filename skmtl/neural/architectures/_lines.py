"""A line of each task, which training leaves as it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from skmtl.neural.architectures._layers import place_of_rows

Array = NDArray[Any]

N_DIRECTIONS = 32
"""Directions of the inputs in which lines are inclined at most: bounds memory and time."""


@dataclass(frozen=True, eq=False)
class Lines:
    r"""How the tasks differ from what they have in common, :math:`b_t + u_t' B' (x - c)`.

    Parameters
    ----------
    center : ndarray of shape (n_inputs,)
        c.
    basis : ndarray of shape (n_inputs, n_directions)
        B.
    common : ndarray of shape (n_outputs,)
        The level that all tasks have in common, at the centre.
    offsets : ndarray of shape (n_tasks, n_outputs)
        b.
    slopes : ndarray of shape (n_tasks, n_directions, n_outputs)
        u.
    difference : float
        The share of the tasks' slopes that is their own, between 0 and 1.
    """

    center: Array
    basis: Array
    common: Array
    offsets: Array
    slopes: Array
    difference: float


class TaskLines(nn.Module):
    """Slopes of every task for the inputs (n_models, n, n_inputs), of `Lines`; at first 0."""

    center: Tensor
    basis: Tensor
    slopes: Tensor

    def __init__(self, n_models: int, n_inputs: int, n_tasks: int, n_outputs: int) -> None:
        super().__init__()
        n_directions = min(n_inputs, N_DIRECTIONS)
        self.register_buffer("center", torch.zeros(n_models, 1, n_inputs))
        self.register_buffer("basis", torch.zeros(n_models, n_inputs, n_directions))
        self.register_buffer("slopes", torch.zeros(n_models, n_tasks, n_directions, n_outputs))

    def take(self, model: int, lines: Lines) -> None:
        """Let a model have some lines, whose inputs are the first of those it reads."""
        n_inputs, n_directions = lines.basis.shape
        self.center[model, 0, :n_inputs] = torch.from_numpy(lines.center)
        self.basis[model, :n_inputs, :n_directions] = torch.from_numpy(lines.basis)
        self.slopes[model, :, :n_directions] = torch.from_numpy(lines.slopes)

    def forward(self, X: Tensor, task_index: Tensor | None = None) -> Tensor:
        """What the rows' tasks add (n_models, n, n_outputs), or all (.., n_tasks, n_outputs)."""
        Z = torch.bmm(X - self.center, self.basis)
        n_tasks = self.slopes.shape[1]
        if task_index is None:
            of_all = self.slopes.transpose(1, 2).flatten(2)
            return torch.bmm(Z, of_all).unflatten(-1, (n_tasks, -1))
        of_rows = self.slopes.flatten(0, 1).index_select(0, place_of_rows(task_index, n_tasks))
        added = (of_rows * Z.flatten(0, 1).unsqueeze(-1)).sum(1)
        return added.unflatten(0, X.shape[:2])
