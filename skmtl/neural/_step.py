"""From a batch to gradients."""

from __future__ import annotations

import torch


class Step:
    r"""Gradients of :math:`\sum_t w_t L_t` for what the tasks share, of own losses for heads.

    Parameters
    ----------
    module : MultiTaskModule
        The networks.
    objective : Objective
        Losses of the tasks.
    balancing : Balancing
        Weights of the tasks, on top of ``task_weight``.
    task_weight : Tensor of shape (n_tasks,)
        :math:`\omega`. A task of weight 0 leaves the shared parameters alone, while its own
        learn with weight 1.
    """

    def __init__(self, module, objective, balancing, task_weight):
        self.module = module
        self.objective = objective
        self.balancing = balancing
        self.task_weight = task_weight
        self.own_weight = torch.where(task_weight > 0, task_weight, 1.0)
        self.parameters = list(module.parameters())
        shared = {id(p) for p in module.shared_parameters()}
        self.is_shared = [id(p) in shared for p in self.parameters]
        self.is_plain = balancing.is_constant and bool((task_weight == 1).all())
        self.needs_two = not balancing.is_constant or bool((task_weight == 0).any())

    def __call__(self, batch):
        """Losses and weights (n_models, n_tasks), and a gradient for each parameter."""
        losses = self.objective(self.module(batch.X, batch.task_index), batch)
        if not losses.requires_grad:
            return losses, self.weights(losses), [None] * len(self.parameters)
        if self.is_plain:
            return losses.detach(), None, self._gradients(losses.sum())
        weights = self.weights(losses.detach())
        own = (losses * self.own_weight).sum()
        if not self.needs_two:
            return losses.detach(), weights, self._gradients(own)
        shared = (losses * weights).sum()
        return losses.detach(), weights, self._two_gradients(shared, own)

    def weights(self, losses):
        """Weights of the tasks in the step of the shared parameters."""
        return self.task_weight * self.balancing.weights(losses)

    def _gradients(self, loss):
        return torch.autograd.grad(loss, self.parameters, allow_unused=True)

    def _two_gradients(self, shared, own):
        gradients = [None] * len(self.parameters)
        for loss, side in ((shared, True), (own, False)):
            members = [i for i, is_shared in enumerate(self.is_shared) if is_shared is side]
            if not members:
                continue
            found = torch.autograd.grad(
                loss, [self.parameters[i] for i in members], retain_graph=side, allow_unused=True
            )
            for i, gradient in zip(members, found, strict=True):
                gradients[i] = gradient
        return gradients
