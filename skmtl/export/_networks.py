"""Networks, from what they read of a row to raw scores; blends of many."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from skmtl._grown import Grown, refuse_grown
from skmtl._new_head import Head
from skmtl.export._apart import set_apart
from skmtl.export._blend import Blend
from skmtl.export._inputs import InputsModule
from skmtl.export._module import Module
from skmtl.export._predictor import (
    WITH_ADDED_TASKS,
    WITHOUT_ADDED_TASKS,
    Linked,
    Predictor,
    buffer,
    linked,
    make_predictor,
    row_of,
    table,
    with_mean,
)
from skmtl.neural.estimators._mlp import MultiTaskMLP
from skmtl.neural.estimators._mlp_blend import NetworkBlend
from skmtl.neural.networks._network import build, set_state
from skmtl.neural.networks._state import FittedState
from skmtl.tasks._task_set import TaskSet


class Networks(Module):
    """Raw scores of all networks of a fit: `skmtl.neural.networks.scores_of_models`.

    In long form those of all tasks are computed, and each row takes its own.
    """

    def __init__(self, tasks: TaskSet, fitted: FittedState) -> None:
        super().__init__()
        self.n_models, self.is_long = fitted.n_models, tasks.is_long
        known = fitted.network_tasks
        known = np.arange(tasks.n_tasks) if known is None else known
        of_network = tasks.take(known)
        self.inputs = nn.Identity() if fitted.inputs is None else InputsModule(fitted.inputs)
        module = build(fitted.description, fitted.dtype, torch.device("cpu"), self.n_models)
        module = deepcopy(module)
        module.read_as(of_network)
        set_state(module, fitted.parameters)
        self.module = set_apart(module).eval()
        self.sizes = list(fitted.description["outputs_per_task"])
        self.shrinkage = fitted.shrinkage
        self.seen = of_network.n_labels > 0
        self.place = _place(tasks, known)

    def forward(self, X: Tensor, index: Tensor | None) -> Tensor:
        """Raw scores (n_models, n, n_outputs)."""
        read = self.inputs(X)
        raw = self.module(read.unsqueeze(0).expand(self.n_models, *[-1] * read.dim()))
        if self.shrinkage is not None:
            sizes = [len(origin) for origin in self.shrinkage.origin]
            origin = raw.new_tensor(np.concatenate(self.shrinkage.origin))
            raw = origin + raw.new_tensor(np.repeat(self.shrinkage.factor, sizes)) * (raw - origin)
        if index is None:
            zero = torch.zeros_like(raw[..., :1])
            return torch.cat([raw, zero], dim=-1)[..., self.place.tolist()]
        by_task = raw.unflatten(-1, (-1, self.sizes[0])).movedim(2, 0)
        place = table(self.place, index)[row_of(index, len(self.place) - 1)]
        place = place[None, None, :, None].expand(1, *by_task.shape[1:])
        return with_mean(by_task, self.seen).gather(0, place)[0]


def _place(tasks: TaskSet, known: Any) -> Any:
    """Long: of each task, and of unknown ones, among those of the network and their mean.

    Wide: of each output, the last for outputs that no network has.
    """
    if tasks.is_long:
        place = np.full(tasks.n_tasks + 1, len(known))
        place[known] = np.arange(len(known))
        return place
    outputs = np.concatenate([np.empty(0), *(np.r_[tasks.slices[t]] for t in known)]).astype(int)
    place = np.full(tasks.n_outputs, len(outputs))
    place[outputs] = np.arange(len(outputs))
    return place


class Network(Linked):
    """One network."""

    def __init__(self, tasks: TaskSet, fitted: FittedState) -> None:
        super().__init__(tasks)
        self.networks = Networks(tasks, fitted)

    def raw(self, X: Tensor, index: Tensor | None) -> Tensor:
        raw: Tensor = self.networks(X, index)[0]
        return raw


class GrownNetwork(Linked):
    """One network in wide form, with heads of tasks that were added: `Grown.answer`."""

    def __init__(self, estimator: MultiTaskMLP) -> None:
        super().__init__(estimator._task_set)
        grown: Grown = estimator._grown
        before = grown.as_fitted(estimator)
        self.before, self.heard = before._task_set, before._what_heads_read()
        self.network = Networks(self.before, before._fitted)
        self.sources = [s if isinstance(s, int) else None for s in grown.sources]
        self.heads: Any = nn.ModuleList(
            AddedHead(self.before, source.head)
            for source in grown.sources
            if not isinstance(source, int)
        )

    def raw(self, X: Tensor, index: Tensor | None) -> Tensor:
        of_fit, added = self.network(X, index)[0], iter(self.heads)
        return torch.cat(
            [
                next(added)(self.network, self.heard, X)
                if source is None
                else of_fit[:, self.before.slices[source]]
                for source in self.sources
            ],
            dim=-1,
        )


class AddedHead(Module):
    """`Head` of a task that was added, on the trunk of the others or, tuned, on one of its own."""

    def __init__(self, before: TaskSet, head: Head) -> None:
        super().__init__()
        own = getattr(head, "fitted", None)
        self.own: Any = None if own is None else Networks(before, own)
        self.n_parts = len(head.coefs)
        for k, coef in enumerate(head.coefs):
            self.register_buffer(f"coef{k}", buffer(coef))
        self.register_buffer("intercept", buffer(head.intercept))
        self.register_buffer("shape", buffer(head.shape))

    def forward(self, network: Networks, heard: Any, X: Tensor) -> Tensor:
        network = network if self.own is None else self.own
        read = network.inputs(X).unsqueeze(0)
        parts: Any = zip(range(self.n_parts), heard(network.module, read), strict=False)
        raw: Any = self.intercept.expand(X.shape[0], -1)
        for k, part in parts:
            raw = raw + part.to(raw) @ getattr(self, f"coef{k}")
        return torch.cat([raw, self.shape.expand(X.shape[0], -1)], dim=-1)


class BlendedNetworks(Predictor):
    """The mean networks of all candidates, blended with each other and with a constant."""

    def __init__(self, estimator: NetworkBlend) -> None:
        super().__init__(estimator._task_set)
        self.stacks: Any = nn.ModuleList(Networks(self.tasks, stack) for stack in estimator._stacks)
        self.task_sets = [
            tasks
            for stack in estimator._stacks
            for tasks in (stack.task_sets or [self.tasks] * stack.n_models)
        ]
        members = np.array(estimator.members_["candidate"], dtype=int)
        used, self.candidate = np.unique(members, return_inverse=True)
        self.constants = estimator._constants
        weights = estimator.weights_
        weights = np.vstack([weights[used], 1.0 - weights.sum(axis=0)])
        self.blend = Blend(self.tasks, np.maximum(weights, 0.0))

    def expected(self, X: Tensor, index: Tensor | None) -> list[Tensor]:
        raw = [one for stack in self.stacks for one in stack(X, index).unbind(0)]
        pairs = zip(self.task_sets, raw, strict=True)
        members = [linked(tasks, of_member, index) for tasks, of_member in pairs]
        said = []
        for c in range(self.candidate.max() + 1):
            own = [members[m] for m in np.flatnonzero(self.candidate == c)]
            said.append([torch.stack(columns).mean(0) for columns in zip(*own, strict=True)])
        found = self.blend(said, self.constants, index)
        return found if index is None else [self.silenced(found[0], index)]


@make_predictor.register
def _(estimator: MultiTaskMLP) -> Linked:
    if not hasattr(estimator, "_grown"):
        return Network(estimator._task_set, estimator._fitted)
    if estimator._task_set.is_long:
        refuse_grown(estimator, WITHOUT_ADDED_TASKS.format("a network in long form"))
    return GrownNetwork(estimator)


make_predictor.register(NetworkBlend, BlendedNetworks)
WITH_ADDED_TASKS.append(MultiTaskMLP)
