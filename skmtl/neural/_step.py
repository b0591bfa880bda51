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
        self.is_plain = bool((task_weight == 1).all())
        self.needs_two = not balancing.is_constant or bool((task_weight == 0).any())

    def __call__(self, batch):
        """Losses and weights (n_models, n_tasks), and a gradient for each parameter.

        Weights are None where the method has none of its own: those of the tasks then.
        """
        losses = self.objective(self.module(batch.X, batch.task_index), batch)
        weights = None
        if not self.balancing.is_constant:
            observed = self.objective.observed(batch)
            weights = self.task_weight * self.balancing.weights(losses.detach(), observed)
        if not losses.requires_grad:
            return losses, weights, [None] * len(self.parameters)
        own = losses.sum() if self.is_plain else (losses * self.own_weight).sum()
        if self.needs_two:
            shared = (losses * (self.task_weight if weights is None else weights)).sum()
            gradients = self._two_gradients(shared, own)
        else:
            gradients = torch.autograd.grad(own, self.parameters, allow_unused=True)
        return losses.detach(), weights, gradients

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
