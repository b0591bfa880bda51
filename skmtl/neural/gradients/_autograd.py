"""Gradients of the losses of any module, by torch's automatic differentiation."""

from __future__ import annotations

from contextlib import nullcontext

import torch

from skmtl.neural.architectures import RepresentationModule
from skmtl.neural.training._environment import mixed_precision


class Autograd:
    """What a step needs to know about the losses of a batch.

    Parameters
    ----------
    module : MultiTaskModule
        The networks.
    objective : Objective
        Losses of the tasks.
    """

    def __init__(self, module, objective):
        self.module, self.objective = module, objective
        self.parameters = list(module.parameters())
        shared = {id(p) for p in module.shared_parameters()}
        places = range(len(self.parameters))
        self.shared = [i for i in places if id(self.parameters[i]) in shared]
        self.own = [i for i in places if id(self.parameters[i]) not in shared]

    def forward(self, batch):
        """Losses (n_models, n_tasks) of a batch, without gradient."""
        X, index = batch.X, batch.task_index
        is_mixed = self.module.mixed_precision
        with mixed_precision(X.device) if is_mixed else nullcontext():
            if isinstance(self.module, RepresentationModule):
                # Gramians and losses are not for bfloat16.
                self.representation = self.module.represent(X).to(X.dtype)
                raw = self.module.read_out(self.representation, index)
            else:
                self.representation = None
                raw = self.module(X, index)
        self.losses = self.objective(raw.to(X.dtype), batch)
        self.penalty = self.module.penalty()
        return self.losses.detach()

    def gradients(self, own, shared):
        r"""Gradient of :math:`\sum_t w_t L_t` and the penalty for every parameter, or None.

        ``own`` (n_tasks,) are the weights for parameters of single tasks, None: 1; ``shared``
        (n_models, n_tasks) those for the others, None: the same.
        """
        total = self._total(own)
        if shared is None:
            places = range(len(self.parameters))
            return self._placed((places, self._gradients(total + self._extra, places)))
        on_shared = self._total(shared) + self._extra
        return self._placed(
            (self.shared, self._gradients(on_shared, self.shared, keep=True)),
            (self.own, self._gradients(total + self._extra, self.own)),
        )

    def _total(self, weights):
        return self.losses.sum() if weights is None else (self.losses * weights).sum()

    @property
    def _extra(self):
        return 0.0 if self.penalty is None else self.penalty.sum()

    def _gradients(self, value, places, *, keep=False):
        parameters = [self.parameters[i] for i in places]
        if not parameters or not torch.is_tensor(value) or not value.requires_grad:
            return [None] * len(parameters)
        return torch.autograd.grad(value, parameters, retain_graph=keep, allow_unused=True)

    def _placed(self, *groups):
        """Gradients in the order of the parameters."""
        gradients = [None] * len(self.parameters)
        for places, found in groups:
            for i, gradient in zip(places, found, strict=True):
                gradients[i] = gradient
        return gradients

    def jacobian(self, space):
        """Gradients (n_models, n_tasks, size) of every task, one array a tensor of the space."""
        tensors = self._tensors(space)
        n_models, n_tasks = self.losses.shape
        rows = []
        for t in range(n_tasks):
            found = [None] * len(tensors)
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

    def gramian(self, space):
        """Inner products (n_models, n_tasks, n_tasks) of the gradients of the tasks."""
        return sum(J @ J.mT for J in self.jacobian(space))

    def gradients_along(self, own, directions, space):
        """`gradients`, with a direction (n_models, size) for each tensor of the space.

        A direction of the representation goes back through what computes it.
        """
        tensors = self._tensors(space)
        shaped = [d.reshape(x.shape) for d, x in zip(directions, tensors, strict=True)]
        if space == "representation":
            shared = [self.parameters[i] for i in self.shared]
            shaped = torch.autograd.grad(
                tensors, shared, shaped, retain_graph=True, allow_unused=True
            )
        extra = self._gradients(self._extra, self.shared, keep=True)
        shaped = [d if g is None else d + g for d, g in zip(shaped, extra, strict=True)]
        total = self._total(own) + self._extra
        return self._placed((self.shared, shaped), (self.own, self._gradients(total, self.own)))

    def _tensors(self, space):
        if space == "shared":
            return [self.parameters[i] for i in self.shared]
        if space == "last_shared":
            return self.module.last_shared_parameters()
        return [self.representation]
