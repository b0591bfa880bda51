"""From a batch to the gradients of a step."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from skmtl.neural._data import Batch
from skmtl.neural._ranks import Ranks
from skmtl.neural.architectures import MultiTaskModule, RepresentationModule
from skmtl.neural.balancing import (
    Balancing,
    Equal,
    GramianBalancing,
    JacobianBalancing,
    LossBalancing,
)
from skmtl.neural.balancing._base import CONFLICT_SPACES
from skmtl.neural.gradients._divided import Divided
from skmtl.neural.gradients._for_module import gradients_for
from skmtl.neural.gradients._objective import Objective


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
    ranks : Ranks, default=None
        Who shares the batches, if not this process alone.
    """

    def __init__(
        self,
        module: MultiTaskModule,
        objective: Objective,
        balancing: Balancing,
        task_weight: Tensor,
        ranks: Ranks | None = None,
    ) -> None:
        if not module.shared_parameters() or objective.is_empty:
            # Nothing to agree on: parameters of single tasks follow their own losses.
            balancing = Equal()
        self.engine = gradients_for(module, objective)
        if ranks is not None and Divided.can_divide(module, objective):
            self.engine = Divided(self.engine, module, objective, ranks)
        self.objective, self.balancing, self.task_weight = objective, balancing, task_weight
        self.own_weight: Tensor | None = torch.where(task_weight > 0, task_weight, 1.0)
        if (task_weight == 1).all():
            self.own_weight = None
        self.is_plain = balancing.is_constant and bool((task_weight > 0).all())
        self.space = _space(balancing, module)
        self.n_steps = 0
        self.kept: Tensor | None = None

    def __call__(self, batch: Batch) -> tuple[Tensor, Tensor | None, Sequence[Tensor | None]]:
        """Losses and weights (n_models, n_tasks), and a gradient for each parameter.

        Weights are None where the method has none of its own: those of the tasks then.
        """
        losses = self.engine.forward(batch)
        if isinstance(self.balancing, JacobianBalancing):
            return losses, None, self._along(self.balancing, losses, batch)
        weights = shared = self._weights(losses, batch)
        if not self.is_plain and weights is None:
            shared = self.task_weight.expand(losses.shape)
        return losses, weights, self.engine.gradients(self.own_weight, shared)

    def follow_up(self, batch: Batch) -> None:
        """Show the method the losses after the step, if it wants them."""
        if isinstance(self.balancing, LossBalancing) and self.balancing.follows_up:
            losses, observed = self.engine.forward(batch), self._observed(batch)
            self.balancing.follow_up(losses, observed)

    def _weights(self, losses: Tensor, batch: Batch) -> Tensor | None:
        """Weights (n_models, n_tasks) of the method and the tasks; None for constant ones."""
        if self.balancing.is_constant:
            return None
        if isinstance(self.balancing, GramianBalancing):
            if self.kept is None or self.n_steps % self.balancing.update_weights_every == 0:
                self.kept = self._from_gramian(self.balancing, losses, batch)
            self.n_steps += 1
            return self.task_weight * self.kept
        weights: Tensor = self.balancing.weights(losses, self._observed(batch))
        return self.task_weight * weights

    def _from_gramian(self, method: GramianBalancing, losses: Tensor, batch: Batch) -> Tensor:
        gramians = self.engine.gramian(self.space)
        if self.own_weight is not None:
            omega = self.task_weight.unsqueeze(-1)
            gramians, losses = omega * omega.mT * gramians, self.task_weight * losses
        observed = self._observed(batch).cpu().numpy()
        arrays = gramians.cpu().double().numpy(), losses.cpu().double().numpy(), observed
        found = [
            method.step_weights(model, *of_model)
            for model, of_model in enumerate(zip(*arrays, strict=True))
        ]
        return torch.from_numpy(np.array(found)).to(losses)

    def _along(
        self, method: JacobianBalancing, losses: Tensor, batch: Batch
    ) -> Sequence[Tensor | None]:
        """Gradients where the method gives the direction of what is shared."""
        by_tensor = self.engine.jacobian(self.space)
        sizes = [J.shape[-1] for J in by_tensor]
        jacobian = by_tensor[0] if len(by_tensor) == 1 else torch.cat(by_tensor, dim=-1)
        if self.own_weight is not None:
            jacobian = self.task_weight[:, None] * jacobian
        observed = self._observed(batch)
        values = self.task_weight * losses
        directions = torch.stack(
            [
                method.direction(model, *arrays)
                for model, arrays in enumerate(zip(jacobian, values, observed, strict=True))
            ]
        )
        return self.engine.gradients_along(
            self.own_weight, directions.split(sizes, dim=-1), self.space
        )

    def _observed(self, batch: Batch) -> Tensor:
        """Tasks (n_models, n_tasks) that have labels in the batch and a say."""
        return self.objective.observed(batch) & (self.task_weight > 0)


def _space(balancing: Balancing, module: MultiTaskModule) -> str:
    """Where a method compares gradients, checked; no matter where it does not."""
    if not isinstance(balancing, GramianBalancing | JacobianBalancing):
        return "shared"
    space: str = balancing.conflict_space
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
