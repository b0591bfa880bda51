"""What stands before and beside a network, whatever its architecture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from skmtl.neural.architectures._base import MultiTaskModule, RepresentationModule
from skmtl.neural.architectures._embedding import Embedding
from skmtl.neural.architectures._layers import place_of_rows
from skmtl.neural.architectures._lines import Lines
from skmtl.neural.architectures._parameters import PerTask
from skmtl.neural.architectures._spec import NetworkSpec
from skmtl.tasks._task_set import TaskSet

# What an embedding is drawn from, beside the seed: 0 and 1 are the network's.
EMBEDDING = 6
# With more inputs a linear path is slowed down (measured: atp1d, with more columns than rows).
MANY = 10


class LinearSkip(PerTask):
    r"""A linear path from the inputs to every head.

    .. math:: f_t(x) = h_t(x) + c \, s_t' x, \qquad c = \min(1, \sqrt{10 / p})

    It starts at zero: the fit begins as it would without it. There is no bias; heads have one.
    With many inputs p, a step of Adam, which moves all weights as far, would move the scores by
    so much more: the factor c slows it down.
    """

    def __init__(self, n_models: int, n_inputs: int, outputs: Sequence[int]) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(n_models, sum(outputs), n_inputs))
        self.n_tasks = len(outputs)
        self.factor = min(1.0, (MANY / max(1, n_inputs)) ** 0.5)

    def initialize(self, model: int, rngs: Sequence[np.random.Generator], gain: float) -> None:
        with torch.no_grad():
            self.weight[model] = 0.0

    def forward(self, X: Tensor, task_index: Tensor | None = None) -> Tensor:
        if task_index is None:
            return self.factor * torch.bmm(X, self.weight.mT)
        of_tasks = self.weight.reshape(len(X) * self.n_tasks, -1, X.shape[-1])
        of_rows = of_tasks.index_select(0, place_of_rows(task_index, self.n_tasks))
        added = (of_rows * X.reshape(-1, 1, X.shape[-1])).sum(-1)
        return self.factor * added.unflatten(0, X.shape[:2])


class Around(MultiTaskModule):
    """A network, with an embedding before it and a linear path beside it.

    Parameters
    ----------
    network : MultiTaskModule
        What an architecture has made.
    embedding : Embedding or None
        What maps the inputs (n_models, n, n_inputs) to those of the network.
    skip : LinearSkip or None
        Reads what the network reads.
    """

    def __init__(
        self, network: MultiTaskModule, embedding: Embedding | None, skip: LinearSkip | None
    ) -> None:
        super().__init__()
        self.network = network
        self.embedding = embedding
        self.skip = skip

    def embed(self, X: Tensor) -> Tensor:
        """What the network reads."""
        if self.embedding is None:
            return X
        embedded: Tensor = self.embedding(X)
        return embedded

    def forward(self, X: Tensor, task_index: Tensor | None = None) -> Tensor:
        X = self.embed(X)
        if self.skip is None:
            raw: Tensor = self.network(X, task_index)
            return raw
        return self.network.plus(self.skip(X, task_index), X, task_index)

    def read_by_heads(self, X: Tensor, task_index: Tensor | None = None) -> Tensor:
        return self.network.read_by_heads(self.embed(X), task_index)

    def read_as(self, tasks: TaskSet) -> None:
        self.network.read_as(tasks)

    def start_at(self, raw: Sequence[NDArray[Any]]) -> None:
        self.network.start_at(raw)

    @property
    def takes_lines(self) -> bool:  # type: ignore[override]
        """Whether the network does."""
        return self.network.takes_lines

    def start_at_lines(self, model: int, lines: Lines) -> None:
        self.network.start_at_lines(model, lines)

    def penalty(self) -> Tensor | None:
        return self.network.penalty()

    def copies_of_a_row(self, *, is_long: bool) -> int:
        return self.network.copies_of_a_row(is_long=is_long)

    def shared_parameters(self) -> list[nn.Parameter]:
        return [*self._of_embedding(), *self.network.shared_parameters()]

    def last_shared_parameters(self) -> list[nn.Parameter]:
        return self.network.last_shared_parameters() or self._of_embedding()

    def _of_embedding(self) -> list[nn.Parameter]:
        return [] if self.embedding is None else list(self.embedding.parameters())

    def initialize(
        self, seeds: Sequence[int], task_keys: Sequence[int], activation: str = "relu"
    ) -> None:
        """Draw the network as it would be alone, and what is around it."""
        self.network.initialize(seeds, task_keys, activation)
        for model, seed in enumerate(seeds):
            if self.embedding is not None:
                self.embedding.initialize(model, np.random.default_rng([seed, EMBEDDING]))
            if self.skip is not None:
                self.skip.initialize(model, [], 1.0)


class RepresentationAround(RepresentationModule, Around):
    """Around a network in which all tasks read one representation."""

    network: RepresentationModule

    def represent(self, X: Tensor) -> Tensor:
        return self.network.represent(self.embed(X))

    def read_out(self, representation: Tensor, task_index: Tensor | None = None) -> Tensor:
        return self.network.read_out(representation, task_index)

    def beside(self, X: Tensor, task_index: Tensor | None = None) -> Tensor | None:
        if self.skip is None:
            return None
        added: Tensor = self.skip(self.embed(X), task_index)
        return added


def build_around(
    build: Callable[[NetworkSpec], MultiTaskModule], spec: NetworkSpec
) -> MultiTaskModule:
    """What ``build`` makes, with what the description asks for around it."""
    embedding, skip = None, None
    if spec.embedding is not None:
        embedding = Embedding(spec.n_models, spec.row_shape[0], **spec.embedding)
        spec = replace(spec, n_features=embedding.n_outputs)
    network = build(spec)
    if spec.linear_skip:
        if len(spec.row_shape) > 1:
            raise ValueError(
                f"linear_skip=True: rows of X have shape {spec.row_shape}; expected vectors."
            )
        skip = LinearSkip(spec.n_models, spec.row_shape[0], spec.outputs_per_task)
    if skip is None and embedding is None:
        return network
    kind = RepresentationAround if isinstance(network, RepresentationModule) else Around
    return kind(network, embedding, skip)
