"""Affine layers of many models, and of many tasks, at once."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from skmtl.neural.architectures._normalization import make_normalization
from skmtl.neural.architectures._parameters import PerTask, Shared, glorot, glorot_of_tasks

Arrays = Sequence[NDArray[Any]]


class SharedLayer(Shared):
    """Affine map of each model: (n_models, n, n_inputs) to (n_models, n, n_outputs).

    There may be several copies of the rows, (n_models, n_copies, n, n_inputs). ``weight`` is
    (n_models, n_inputs, n_outputs): so the gradient comes out contiguous.
    """

    def __init__(
        self, n_models: int, n_inputs: int, n_outputs: int, normalization: str | None = None
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(n_models, n_inputs, n_outputs))
        self.bias = nn.Parameter(torch.zeros(n_models, 1, n_outputs))
        self.normalization = make_normalization(normalization, n_models, 1, n_outputs)

    def initialize(self, model: int, rng: np.random.Generator, gain: float) -> None:
        n_inputs, n_outputs = self.weight.shape[1:]
        weight, bias = glorot(rng, n_outputs, n_inputs, gain)
        with torch.no_grad():
            self.weight[model] = torch.from_numpy(weight.T)
            self.bias[model, 0] = torch.from_numpy(bias)

    def forward(self, x: Tensor) -> Tensor:
        affine = torch.baddbmm(self.bias, x.flatten(1, -2), self.weight)
        affine = affine.unflatten(1, x.shape[1:-1])
        if self.normalization is None:
            return affine
        copies = affine if affine.ndim == 4 else affine.unsqueeze(1)
        return self.normalization(copies).view(affine.shape)


class TaskLayer(PerTask):
    """Base of the layers in which every task has parameters of its own.

    ``weight`` and ``bias`` hold the tasks one after the other, ``outputs`` says how many
    units each has. ``tasks`` names the members where they are some of the tasks only;
    ``is_output`` says whether the units are their raw scores.
    Initial weights are Glorot's times ``scale``. Only layers with as many units for every task
    can have a ``normalization``.
    """

    weight: nn.Parameter
    bias: nn.Parameter
    scale = 1.0
    is_output = False

    def __init__(
        self,
        n_models: int,
        n_inputs: int,
        outputs: Sequence[int],
        tasks: Sequence[int] | None,
        normalization: str | None,
    ) -> None:
        super().__init__()
        self.n_inputs = n_inputs
        self.outputs = list(outputs)
        self.tasks = list(range(len(outputs)) if tasks is None else tasks)
        self.normalization = make_normalization(
            normalization, n_models, len(self.outputs), self.outputs[0]
        )

    def initialize(self, model: int, rngs: Sequence[np.random.Generator], gain: float) -> None:
        own = [rngs[t] for t in self.tasks]
        both: Any = glorot_of_tasks(own, self.outputs, self.n_inputs, gain)
        if self.scale != 1.0:
            both = [[self.scale * array for array in arrays] for arrays in both]
        with torch.no_grad():
            self._set(model, *both)

    def start_at(self, raw: Sequence[NDArray[Any]]) -> None:
        """Let the biases be some values for each task, (n_outputs,) or (n_models, n_outputs)."""
        some = zip(self.tasks, self.outputs, strict=True)
        with torch.no_grad():
            self._set_biases([np.atleast_2d(raw[t])[:, :n_outputs] for t, n_outputs in some])

    @abstractmethod
    def _set_biases(self, biases: Arrays) -> None:
        """Write the biases of all tasks, (n_models, n_outputs) or (1, n_outputs) each."""

    @abstractmethod
    def _set(self, model: int, weights: Arrays, biases: Arrays) -> None:
        """Write the weights and biases of all tasks of one model."""

    def _gather(self, x: Tensor, task_index: Tensor) -> Tensor:
        """Each row through the parameters of its own task: memory for rows, not for tasks.

        What comes of a row with index -1 is read by nobody, and must not count.
        """
        n_models, n_rows, n_inputs = x.shape
        n_tasks = len(self.outputs)
        rows = place_of_rows(task_index, n_tasks)
        weight = self.weight.reshape(n_models * n_tasks, -1, n_inputs).index_select(0, rows)
        bias = self.bias.reshape(n_models * n_tasks, -1).index_select(0, rows)
        raw = ((weight * x.reshape(-1, 1, n_inputs)).sum(-1) + bias).view(n_models, n_rows, -1)
        return raw if self.normalization is None else self.normalization(raw, task_index)


def place_of_rows(task_index: Tensor, n_tasks: int) -> Tensor:
    """Position of the task of each row (n_models * n,) among those of all models.

    Any for a row with index -1.
    """
    rows = task_index.clamp_min(0)
    n_models = len(task_index)
    if n_models > 1:
        rows = rows + n_tasks * torch.arange(n_models, device=rows.device)[:, None]
    return rows.reshape(-1)


class FirstTaskLayer(TaskLayer):
    """Layer of every task on what they share: (n_models, n, n_inputs) to (.., sum of outputs).

    One matrix for all tasks, so that a hundred heads cost one product.
    """

    def __init__(
        self,
        n_models: int,
        n_inputs: int,
        outputs: Sequence[int],
        tasks: Sequence[int] | None = None,
        normalization: str | None = None,
    ) -> None:
        super().__init__(n_models, n_inputs, outputs, tasks, normalization)
        self.weight = nn.Parameter(torch.zeros(n_models, sum(outputs), n_inputs))
        self.bias = nn.Parameter(torch.zeros(n_models, 1, sum(outputs)))

    def _set(self, model: int, weights: Arrays, biases: Arrays) -> None:
        self.weight[model] = torch.from_numpy(np.concatenate(weights))
        self.bias[model, 0] = torch.from_numpy(np.concatenate(biases))

    def _set_biases(self, biases: Arrays) -> None:
        self.bias[:, 0] = torch.from_numpy(np.concatenate(biases, axis=1))

    def forward(self, x: Tensor, task_index: Tensor | None = None) -> Tensor:
        if task_index is not None:
            return self._gather(x, task_index)
        return self.normalized(torch.baddbmm(self.bias, x, self.weight.mT))

    def normalized(self, x: Tensor) -> Tensor:
        """The units of all tasks (n_models, n, sum of outputs), each task by its own."""
        if self.normalization is None:
            return x
        by_task = x.unflatten(-1, (len(self.outputs), -1)).transpose(1, 2)
        return self.normalization(by_task).transpose(1, 2).flatten(-2)


class NextTaskLayer(TaskLayer):
    """Layer of every task on its own units: (n_models, n, n_tasks, n_inputs) to (.., n_outputs).

    Tasks with fewer outputs than the widest are padded with zeros, which stay zero.
    """

    def __init__(
        self,
        n_models: int,
        n_inputs: int,
        outputs: Sequence[int],
        tasks: Sequence[int] | None = None,
        normalization: str | None = None,
    ) -> None:
        super().__init__(n_models, n_inputs, outputs, tasks, normalization)
        shape = (n_models, len(outputs), max(1, *outputs))
        self.weight = nn.Parameter(torch.zeros(*shape, n_inputs))
        self.bias = nn.Parameter(torch.zeros(shape))

    def _set(self, model: int, weights: Arrays, biases: Arrays) -> None:
        padded_weight = np.zeros(self.weight.shape[1:])
        padded_bias = np.zeros(self.bias.shape[1:])
        for t, n_outputs in enumerate(self.outputs):
            padded_weight[t, :n_outputs] = weights[t]
            padded_bias[t, :n_outputs] = biases[t]
        self.weight[model] = torch.from_numpy(padded_weight)
        self.bias[model] = torch.from_numpy(padded_bias)

    def _set_biases(self, biases: Arrays) -> None:
        for t, bias in enumerate(biases):
            self.bias[:, t, : bias.shape[1]] = torch.from_numpy(bias)

    def forward(self, x: Tensor, task_index: Tensor | None = None) -> Tensor:
        if task_index is not None:
            return self._gather(x, task_index)
        n_models, n_rows, n_tasks, n_inputs = x.shape
        product = torch.baddbmm(
            self.bias.reshape(n_models * n_tasks, 1, -1),
            x.transpose(1, 2).reshape(n_models * n_tasks, n_rows, n_inputs),
            self.weight.reshape(n_models * n_tasks, -1, n_inputs).mT,
        )
        units = product.view(n_models, n_tasks, n_rows, -1)
        if self.normalization is not None:
            units = self.normalization(units)
        return units.transpose(1, 2)
