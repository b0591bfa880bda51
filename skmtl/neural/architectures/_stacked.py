"""One network per task, stacked: what several architectures start from."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from skmtl.neural.architectures._base import Architecture, MultiTaskModule, ReadsLayers
from skmtl.neural.architectures._experts import Stack
from skmtl.neural.architectures._layers import NextTaskLayer
from skmtl.neural.architectures._parameters import Shared, glorot
from skmtl.neural.architectures._rows_by_task import RowsByTask
from skmtl.neural.architectures._spec import NetworkSpec
from skmtl.neural.architectures._units import ACTIVATIONS, Dropout


class StackedArchitecture(Architecture):
    """Base of the architectures in which every task has hidden layers of its own.

    All networks start equal, each as the trunk of hard sharing would: unit k of one task and
    unit k of another then mean the same, which is what makes it sensible to pull their
    weights together or to add their activations. Heads start from the names of the tasks.
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {}

    def build(self, spec: NetworkSpec) -> MultiTaskModule:
        """Make a network for each task; see `Architecture.build`."""
        self._validate_params()
        tasks = learning_tasks(spec.outputs_per_task)
        widths = spec.widths
        trunks = StackedTrunks(spec.n_models, len(tasks), widths, *spec.style)
        sizes = [widths[-1], *spec.head_hidden_layer_sizes]
        outputs = [spec.outputs_per_task[t] for t in tasks]
        heads = OwnHeads(spec.n_models, sizes, outputs, *spec.style, tasks)
        return self._join(trunks, heads, spec.outputs_per_task)

    @abstractmethod
    def _join(
        self, trunks: StackedTrunks, heads: OwnHeads, outputs_per_task: Sequence[int]
    ) -> StackedNetworks:
        """The module of the trunks and heads of the tasks that learn."""


def learning_tasks(outputs: Sequence[int]) -> list[int]:
    """Tasks that have something to learn: a constant one must not influence the others."""
    return [t for t, n_outputs in enumerate(outputs) if n_outputs] or list(range(len(outputs)))


class StackedLayer(Stack, Shared):
    """Affine map of each task, all tasks starting equal."""

    def initialize(self, model: int, rng: np.random.Generator, gain: float) -> None:
        n_inputs, n_outputs = self.weight.shape[2:]
        weight, bias = glorot(rng, n_outputs, n_inputs, gain)
        with torch.no_grad():
            self.weight[model] = torch.from_numpy(weight.T)
            self.bias[model, :, 0] = torch.from_numpy(bias)


class StackedTrunks(nn.Module):
    """Hidden layers of each task."""

    def __init__(
        self,
        n_models: int,
        n_tasks: int,
        widths: Sequence[int],
        activation: str,
        dropout: float,
        normalization: str | None,
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            StackedLayer(n_models, n_tasks, n_inputs, n_outputs, normalization)
            for n_inputs, n_outputs in pairwise(widths)
        )
        self.activation = ACTIVATIONS[activation]
        self.dropout = Dropout(dropout)
        self.n_models = n_models
        self.n_tasks = n_tasks
        self.sizes = tuple(widths[1:])

    def forward(self, X: Tensor, task_index: Tensor | None = None) -> Tensor:
        rows = None if task_index is None else RowsByTask(task_index, self.n_tasks)
        x = X if rows is not None else self.for_each_task(X)
        for layer in self.layers:
            x = self.dropout(self.activation(layer(x, rows)))
        return x

    def weights(self) -> list[Tensor]:
        """Of each layer, (n_models, n_tasks, n_inputs, n_outputs)."""
        return [layer.get_parameter("weight") for layer in self.layers]

    def for_each_task(self, X: Tensor) -> Tensor:
        """The rows (n_models, n, n_features) as (n_models, n_tasks, n, n_features)."""
        return X.unsqueeze(1).expand(-1, self.n_tasks, -1, -1)


class OwnHeads(ReadsLayers):
    """One small network per task, reading what that task has computed.

    Wide it reads (n_models, n_tasks, n, n_inputs), in long form (n_models, n, n_inputs).
    ``tasks`` is as in `TaskLayer`.
    """

    used: Tensor | None

    def __init__(
        self,
        n_models: int,
        sizes: Sequence[int],
        outputs: Sequence[int],
        activation: str,
        dropout: float,
        normalization: str | None,
        tasks: Sequence[int] | None = None,
    ) -> None:
        super().__init__()
        widths = [[size] * len(outputs) for size in sizes[1:]] + [list(outputs)]
        kinds = [normalization] * (len(sizes) - 1) + [None]
        self.layers = nn.ModuleList(
            NextTaskLayer(n_models, n_units, width, tasks, kind)
            for n_units, width, kind in zip(sizes, widths, kinds, strict=True)
        )
        last: Any = self.layers[-1]
        last.is_output = True
        self.activation = ACTIVATIONS[activation]
        self.dropout = Dropout(dropout, rows=1)
        is_used = torch.arange(max(1, *outputs)) < torch.tensor(outputs)[:, None]
        used = None if is_used.all() else is_used.flatten().nonzero()[:, 0]
        self.register_buffer("used", used, persistent=False)

    def forward(self, x: Tensor, task_index: Tensor | None = None) -> Tensor:
        if task_index is None:
            x = x.transpose(1, 2)
        for i, layer in enumerate(self.layers):
            x = layer(self.dropout(self.activation(x)) if i else x, task_index)
        if task_index is not None:
            return x
        x = x.flatten(-2)
        return x if self.used is None else x.index_select(-1, self.used)


class StackedNetworks(MultiTaskModule):
    """Networks side by side: as they stand, the loss of a task depends on its own alone."""

    def __init__(self, trunks: StackedTrunks, heads: OwnHeads) -> None:
        super().__init__()
        self.trunks = trunks
        self.heads = heads

    def forward(self, X: Tensor, task_index: Tensor | None = None) -> Tensor:
        raw: Tensor = self.heads(self.trunks(X, task_index), task_index)
        return raw

    def copies_of_a_row(self, *, is_long: bool) -> int:
        return 1 if is_long else self.trunks.n_tasks

    def shared_parameters(self) -> list[nn.Parameter]:
        """None: a penalty may couple the networks, the losses do not."""
        return []

    def last_shared_parameters(self) -> list[nn.Parameter]:
        return []
