"""Networks of one shape, stacked: what all tasks may read, or what each task has for itself."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn

from skmtl.neural.architectures._normalization import make_normalization
from skmtl.neural.architectures._parameters import PerTask, Shared, glorot
from skmtl.neural.architectures._rows_by_task import RowsByTask
from skmtl.neural.architectures._units import ACTIVATIONS, Dropout


class Stack(nn.Module):
    """Affine map of each expert: (n_models, n_experts, n, n_inputs) to (.., n_outputs).

    With ``rows`` each row, of (n_models, n, n_inputs), goes through one expert only.
    """

    def __init__(
        self,
        n_models: int,
        n_experts: int,
        n_inputs: int,
        n_outputs: int,
        normalization: str | None = None,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(n_models, n_experts, n_inputs, n_outputs))
        self.bias = nn.Parameter(torch.zeros(n_models, n_experts, 1, n_outputs))
        self.normalization = make_normalization(normalization, n_models, n_experts, n_outputs)

    def forward(self, x: Tensor, rows: RowsByTask | None = None) -> Tensor:
        if rows is not None:
            affine = rows.affine(x, self.weight, self.bias)
        else:
            parts = self.bias, x, self.weight
            product = torch.baddbmm(*(part.flatten(0, 1) for part in parts))
            affine = product.unflatten(0, self.weight.shape[:2])
        if self.normalization is None:
            return affine
        return self.normalization(affine, None if rows is None else rows.task_index)

    def _draw(self, model: int, rngs: Sequence[np.random.Generator], gain: float) -> None:
        n_inputs, n_outputs = self.weight.shape[2:]
        for expert, rng in enumerate(rngs):
            weight, bias = glorot(rng, n_outputs, n_inputs, gain)
            with torch.no_grad():
                self.weight[model, expert] = torch.from_numpy(weight.T)
                self.bias[model, expert, 0] = torch.from_numpy(bias)


class SharedStack(Stack, Shared):
    """Experts of all tasks."""

    def initialize(self, model: int, rng: np.random.Generator, gain: float) -> None:
        self._draw(model, [rng] * self.weight.shape[1], gain)


class TaskStack(Stack, PerTask):
    """Experts of single tasks; ``owners`` is the task of each expert."""

    def __init__(
        self,
        n_models: int,
        owners: Sequence[int],
        n_inputs: int,
        n_outputs: int,
        normalization: str | None = None,
    ) -> None:
        super().__init__(n_models, len(owners), n_inputs, n_outputs, normalization)
        self.owners = owners

    def initialize(self, model: int, rngs: Sequence[np.random.Generator], gain: float) -> None:
        self._draw(model, [rngs[t] for t in self.owners], gain)


class Experts(nn.Module):
    """Hidden layers of each expert.

    Parameters
    ----------
    n_models : int
        Number of networks side by side.
    experts : int or sequence of int
        The number of experts that all tasks share, or the task that each expert belongs to.
    widths : sequence of int
        Inputs of the experts and units of their layers.
    activation, dropout, normalization : str, float, str or None
        As in `Architecture.build`.
    """

    def __init__(
        self,
        n_models: int,
        experts: int | Sequence[int],
        widths: Sequence[int],
        activation: str,
        dropout: float,
        normalization: str | None = None,
    ) -> None:
        super().__init__()
        shapes = [(*size, normalization) for size in pairwise(widths)]
        if isinstance(experts, int):
            self.n_experts = experts
            self.layers = nn.ModuleList(SharedStack(n_models, experts, *shape) for shape in shapes)
        else:
            self.n_experts = len(experts)
            self.layers = nn.ModuleList(TaskStack(n_models, experts, *shape) for shape in shapes)
        self.activation = ACTIVATIONS[activation]
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, rows: RowsByTask | None = None) -> Tensor:
        """Outputs (n_models, n_experts, n, width) of what all read, or each for itself."""
        if rows is None and x.dim() == 3:
            x = x.unsqueeze(1).expand(-1, self.n_experts, -1, -1)
        for layer in self.layers:
            x = self.dropout(self.activation(layer(x, rows)))
        return x


def mix(gates: Tensor, experts: Tensor) -> Tensor:
    r"""Sums :math:`\sum_e g_e f_e` over experts, as each reader weighs them.

    Parameters
    ----------
    gates : Tensor of shape (n_models, n, n_readers, n_experts)
        Weights of the experts.
    experts : Tensor of shape (n_models, n_experts, n, width)
        What the experts found.

    Returns
    -------
    mixed : Tensor of shape (n_models, n_readers, n, width)
        What the readers get.
    """
    return torch.matmul(gates, experts.transpose(1, 2)).transpose(1, 2)
