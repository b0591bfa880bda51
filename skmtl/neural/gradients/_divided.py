r"""Gradients of a batch that several processes divide among them.

With the share :math:`\lambda_r = b_r / B` of the rows of rank r, and all that it finds of its
rows,

.. math:: L_t = \sum_r \lambda_r L_{tr}, \qquad
    \nabla_\theta L_t = \sum_r \lambda_r \nabla_\theta L_{tr}, \qquad
    \nabla_{h_i} L_t = \lambda_{r(i)} \nabla_{h_i} L_{t, r(i)}

for losses, parameters :math:`\theta`, and what the tasks read of row i, :math:`h_i`. What
balancing methods do with these is done by every rank, and gives the same everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from skmtl.neural._data import Batch
from skmtl.neural._ranks import Part, Ranks
from skmtl.neural.architectures import MultiTaskModule
from skmtl.neural.architectures._normalization import BatchNormalization
from skmtl.neural.architectures._units import Dropout, Generators
from skmtl.neural.gradients._base import Gradients
from skmtl.neural.gradients._objective import Objective

MaybeTensors = Sequence[Tensor | None]

SEES_ROWS = (BatchNormalization, nn.modules.batchnorm._BatchNorm)
"""Layers in which rows of a batch know of each other."""


class Divided(Gradients):
    """Those of the whole batch, from what each rank finds of its rows.

    Parameters
    ----------
    engine : Gradients
        Those of a part of the batch.
    module : MultiTaskModule
        The networks.
    objective : Objective
        Losses of the tasks.
    ranks : Ranks
        Who shares the fit.
    """

    part: Part

    def __init__(
        self, engine: Gradients, module: MultiTaskModule, objective: Objective, ranks: Ranks
    ) -> None:
        self.engine, self.ranks, self.n_tasks = engine, ranks, objective.n_tasks
        self.parameters = list(module.parameters())
        self.dropouts = [layer for layer in module.modules() if isinstance(layer, Dropout)]
        for layer in module.modules():
            # What is random in a layer of the user's cannot be that of one process.
            if isinstance(layer, Generators):
                for generator in layer.generators:
                    generator.manual_seed(generator.initial_seed() + ranks.rank)

    @staticmethod
    def can_divide(module: MultiTaskModule, objective: Objective) -> bool:
        """Whether rows are independent; otherwise every rank takes the whole batch."""
        has_rows = any(isinstance(layer, SEES_ROWS) for layer in module.modules())
        return not (has_rows or any(task.sees_rows for task, _, _ in objective.blocks))

    def forward(self, batch: Batch) -> Tensor:
        part = self.part = self.ranks.part(batch.values.shape[1])
        own = batch if part.is_whole else batch.between(part.start, part.stop)
        for layer in self.dropouts:
            layer.part = None if part.is_whole else part

        def weighted() -> list[Tensor]:
            return [part.share * self.engine.forward(own)]

        shape = batch.values.shape[0], self.n_tasks
        [losses] = self._total(weighted, [batch.values.new_zeros(shape)])
        return losses

    def gradients(self, own: Tensor | None, shared: Tensor | None) -> MaybeTensors:
        return self._summed(lambda: self.engine.gradients(own, shared))

    def jacobian(self, space: str) -> list[Tensor]:
        found = self.engine.jacobian(space)
        if space == "representation" and not self.part.is_whole:
            found = [self._among_all_rows(J) for J in found]
        return self.ranks.total([self.part.share * J for J in found])

    def gramian(self, space: str) -> Tensor:
        share = self.part.share
        if space == "representation":
            # No row is in two parts.
            factor = share if self.part.is_whole else share**2
            return self.ranks.total([factor * self.engine.gramian(space)])[0]
        found = self.jacobian(space)
        return sum((J @ J.mT for J in found[1:]), found[0] @ found[0].mT)

    def gradients_along(
        self, own: Tensor | None, directions: Sequence[Tensor], space: str
    ) -> MaybeTensors:
        if space == "representation" and not self.part.is_whole:
            # The direction of a row is that of the loss of all: its share is in it already.
            directions = [self._own_rows(d) / self.part.share for d in directions]
        return self._summed(lambda: self.engine.gradients_along(own, directions, space))

    def _among_all_rows(self, J: Tensor) -> Tensor:
        """Gradients (n_models, n_tasks, n * width) by what is read of own rows, 0 for others."""
        part = self.part
        by_row = J.unflatten(-1, (part.stop - part.start, -1))
        whole = J.new_zeros(*J.shape[:2], part.n_rows, by_row.shape[-1])
        whole[:, :, part.start : part.stop] = by_row
        return whole.flatten(2)

    def _own_rows(self, direction: Tensor) -> Tensor:
        by_row = direction.unflatten(-1, (self.part.n_rows, -1))
        return by_row[:, self.part.start : self.part.stop].flatten(1)

    def _summed(self, compute: Callable[[], MaybeTensors]) -> MaybeTensors:
        """Gradients of all parameters; None for those that no rank has one of."""

        def weighted() -> list[Tensor]:
            found = compute()
            pairs = zip(found, self.parameters, strict=True)
            known = self.parameters[0].new_tensor([g is not None for g in found])
            return [
                *(torch.zeros_like(p) if g is None else self.part.share * g for g, p in pairs),
                known,
            ]

        like = [*self.parameters, self.parameters[0].new_empty(len(self.parameters))]
        *found, known = self._total(weighted, like)
        return [g if n else None for g, n in zip(found, known.tolist(), strict=True)]

    def _total(self, compute: Callable[[], list[Tensor]], like: Sequence[Tensor]) -> list[Tensor]:
        """Sums over the ranks of what each computes, in shapes known before."""
        error = None
        try:
            found = compute()
        except KeyboardInterrupt:
            self.ranks.is_interrupted = True
        except BaseException as raised:
            error = raised
        else:
            return self.ranks.total(found)
        return self.ranks.total([torch.zeros_like(tensor) for tensor in like], error)
