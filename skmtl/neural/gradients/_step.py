"""From a batch to gradients."""

from __future__ import annotations

import numpy as np
import torch

from skmtl.neural.architectures import RepresentationModule
from skmtl.neural.balancing import Equal, GramianBalancing, JacobianBalancing, LossBalancing
from skmtl.neural.balancing._base import CONFLICT_SPACES
from skmtl.neural.gradients._autograd import Autograd
from skmtl.neural.gradients._manual_gradients import ByHand, is_written_out


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
        if not module.shared_parameters() or objective.is_empty:
            # Nothing to agree on: parameters of single tasks follow their own losses.
            balancing = Equal()
        written_out = is_written_out(module, objective)
        self.engine = (ByHand if written_out else Autograd)(module, objective)
        self.objective, self.balancing, self.task_weight = objective, balancing, task_weight
        self.own_weight = torch.where(task_weight > 0, task_weight, 1.0)
        if (task_weight == 1).all():
            self.own_weight = None
        self.is_plain = balancing.is_constant and bool((task_weight > 0).all())
        self.space = _space(balancing, module)
        self.n_steps, self.kept = 0, None

    def __call__(self, batch):
        """Losses and weights (n_models, n_tasks), and a gradient for each parameter.

        Weights are None where the method has none of its own: those of the tasks then.
        """
        losses = self.engine.forward(batch)
        if isinstance(self.balancing, JacobianBalancing):
            return losses, None, self._along(losses, batch)
        weights = shared = self._weights(losses, batch)
        if not self.is_plain and weights is None:
            shared = self.task_weight.expand(losses.shape)
        return losses, weights, self.engine.gradients(self.own_weight, shared)

    def follow_up(self, batch):
        """Show the method the losses after the step, if it wants them."""
        if isinstance(self.balancing, LossBalancing) and self.balancing.follows_up:
            losses, observed = self.engine.forward(batch), self._observed(batch)
            self.balancing.follow_up(losses, observed)

    def _weights(self, losses, batch):
        """Weights (n_models, n_tasks) of the method and the tasks; None for constant ones."""
        if self.balancing.is_constant:
            return None
        if isinstance(self.balancing, GramianBalancing):
            if self.n_steps % self.balancing.update_weights_every == 0:
                self.kept = self._from_gramian(losses, batch)
            self.n_steps += 1
            return self.task_weight * self.kept
        return self.task_weight * self.balancing.weights(losses, self._observed(batch))

    def _from_gramian(self, losses, batch):
        gramians = self.engine.gramian(self.space)
        if self.own_weight is not None:
            omega = self.task_weight.unsqueeze(-1)
            gramians, losses = omega * omega.mT * gramians, self.task_weight * losses
        observed = self._observed(batch).cpu().numpy()
        arrays = gramians.cpu().double().numpy(), losses.cpu().double().numpy(), observed
        found = [
            self.balancing.step_weights(model, *of_model)
            for model, of_model in enumerate(zip(*arrays, strict=True))
        ]
        return torch.from_numpy(np.array(found)).to(losses)

    def _along(self, losses, batch):
        """Gradients where the method gives the direction of what is shared."""
        jacobian = self.engine.jacobian(self.space)
        sizes = [part.shape[-1] for part in jacobian]
        jacobian = jacobian[0] if len(jacobian) == 1 else torch.cat(jacobian, dim=-1)
        if self.own_weight is not None:
            jacobian = self.task_weight[:, None] * jacobian
        observed = self._observed(batch)
        values = self.task_weight * losses
        directions = torch.stack(
            [
                self.balancing.direction(model, *arrays)
                for model, arrays in enumerate(zip(jacobian, values, observed, strict=True))
            ]
        )
        return self.engine.gradients_along(
            self.own_weight, directions.split(sizes, dim=-1), self.space
        )

    def _observed(self, batch):
        """Tasks (n_models, n_tasks) that have labels in the batch and a say."""
        return self.objective.observed(batch) & (self.task_weight > 0)


def _space(balancing, module):
    """Where a method compares gradients, checked."""
    space = getattr(balancing, "conflict_space", None)
    if space is None:
        return None
    if space not in CONFLICT_SPACES:
        raise ValueError(f"conflict_space={space!r}; expected one of {list(CONFLICT_SPACES)}.")
    name = type(balancing).__name__
    if space == "representation" and not isinstance(module, RepresentationModule):
        raise ValueError(
            f"{name}(conflict_space='representation') needs one representation that all tasks "
            "read, which this architecture does not have; 'shared' serves all architectures."
        )
    if space == "last_shared" and isinstance(balancing, JacobianBalancing):
        raise ValueError(
            f"{name}(conflict_space='last_shared') would leave the other shared layers without a "
            "direction; expected 'shared' or 'representation'."
        )
    return space
