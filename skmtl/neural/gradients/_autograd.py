"""Gradients of the losses of any module, by torch's automatic differentiation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import nullcontext

import torch
from torch import Tensor

from skmtl.neural._data import Batch
from skmtl.neural._environment import mixed_precision
from skmtl.neural.architectures import MultiTaskModule, RepresentationModule
from skmtl.neural.gradients._base import Gradients
from skmtl.neural.gradients._objective import Objective

MaybeTensors = list[Tensor | None]


class Autograd(Gradients):
    """Gradients of the losses of any module.

    Parameters
    ----------
    module : MultiTaskModule
        The networks.
    objective : Objective
        Losses of the tasks.
    """

    def __init__(self, module: MultiTaskModule, objective: Objective) -> None:
        self.module, self.objective = module, objective
        self.parameters = list(module.parameters())
        shared = {id(p) for p in module.shared_parameters()}
        places = range(len(self.parameters))
        self.shared = [i for i in places if id(self.parameters[i]) in shared]
        self.own = [i for i in places if id(self.parameters[i]) not in shared]

    def forward(self, batch: Batch) -> Tensor:
        X, index = batch.X, batch.task_index
        is_mixed = self.module.mixed_precision
        with mixed_precision(X.device) if is_mixed else nullcontext():
            if isinstance(self.module, RepresentationModule):
                # Gramians and losses are not for bfloat16.
                self.representation = self.module.represent(X).to(X.dtype)
                raw = self.module.read_out(self.representation, index)
                added = self.module.beside(X, index)
                raw = raw if added is None else raw + added
            else:
                raw = self.module(X, index)
        self.losses = self.objective(raw.to(X.dtype), batch)
        self.penalty = self.module.penalty()
        return self.losses.detach()

    def gradients(self, own: Tensor | None, shared: Tensor | None) -> MaybeTensors:
        total = self._total(own)
        if shared is None:
            places = range(len(self.parameters))
            return self._placed((places, self._gradients(total + self._extra, places)))
        on_shared = self._total(shared) + self._extra
        return self._placed(
            (self.shared, self._gradients(on_shared, self.shared, keep=True)),
            (self.own, self._gradients(total + self._extra, self.own)),
        )

    def _total(self, weights: Tensor | None) -> Tensor:
        return self.losses.sum() if weights is None else (self.losses * weights).sum()

    @property
    def _extra(self) -> Tensor | float:
        return 0.0 if self.penalty is None else self.penalty.sum()

    def _gradients(
        self, value: Tensor | float, places: Sequence[int], *, keep: bool = False
    ) -> Sequence[Tensor | None]:
        parameters = [self.parameters[i] for i in places]
        if not parameters or not isinstance(value, Tensor) or not value.requires_grad:
            return [None] * len(parameters)
        return torch.autograd.grad(value, parameters, retain_graph=keep, allow_unused=True)

    def _placed(self, *groups: tuple[Iterable[int], Iterable[Tensor | None]]) -> MaybeTensors:
        """Gradients in the order of the parameters."""
        gradients: MaybeTensors = [None] * len(self.parameters)
        for places, found in groups:
            for i, gradient in zip(places, found, strict=True):
                gradients[i] = gradient
        return gradients

    def jacobian(self, space: str) -> list[Tensor]:
        tensors = self._tensors(space)
        n_models, n_tasks = self.losses.shape
        rows = []
        for t in range(n_tasks):
            found: Sequence[Tensor | None] = [None] * len(tensors)
            if self.losses.requires_grad:
                found = torch.autograd.grad(
                    self.losses[:, t].sum(), tensors, retain_graph=True, allow_unused=True
                )
            rows.append(
                [
                    (torch.zeros_like(x) if g is None else g).reshape(n_models, -1)
                    for x, g in zip(tensors, found, strict=True)
                ]
            )
        return [torch.stack(parts, dim=1) for parts in zip(*rows, strict=True)]

    def gramian(self, space: str) -> Tensor:
        return sum((J @ J.mT for J in self.jacobian(space)), self.losses.new_zeros(()))

    def gradients_along(
        self, own: Tensor | None, directions: Sequence[Tensor], space: str
    ) -> MaybeTensors:
        tensors = self._tensors(space)
        shaped = [d.reshape(x.shape) for d, x in zip(directions, tensors, strict=True)]
        found: Sequence[Tensor | None] = shaped
        if space == "representation":
            shared = [self.parameters[i] for i in self.shared]
            found = torch.autograd.grad(
                tensors, shared, shaped, retain_graph=True, allow_unused=True
            )
        extra = self._gradients(self._extra, self.shared, keep=True)
        found = [_sum(*pair) for pair in zip(found, extra, strict=True)]
        total = self._total(own) + self._extra
        return self._placed((self.shared, found), (self.own, self._gradients(total, self.own)))

    def _tensors(self, space: str) -> Sequence[Tensor]:
        if space == "shared":
            return [self.parameters[i] for i in self.shared]
        if space == "last_shared":
            return self.module.last_shared_parameters()
        return [self.representation]


def _sum(one: Tensor | None, other: Tensor | None) -> Tensor | None:
    """Sum of two gradients, where None is 0."""
    if one is None or other is None:
        return other if one is None else one
    return one + other
