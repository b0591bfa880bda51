r"""Gradients of a trunk with linear heads, written out: what autograd finds, in half the time.

With :math:`A_0 = X`, the layers :math:`Z_l = A_{l-1} W_l + b_l` and :math:`A_l = \phi(Z_l)`, and
heads V, raw scores are :math:`F = A_L V' + c`. From :math:`D = \partial L / \partial F` follow

.. math:: \nabla V = D' A_L, \quad \Delta_L = D V \circ \phi'(Z_L), \quad
          \nabla W_l = A_{l-1}' \Delta_l, \quad
          \Delta_{l-1} = \Delta_l W_l' \circ \phi'(Z_{l-1})

[1]_. A linear path S beside the trunk adds :math:`c X S'` to F, with
:math:`\nabla S = c D' X`. The gradients of single tasks come from the columns of D, all tasks in
one product; at what the heads read, their Gramian is that of rank-one matrices.

References
----------
.. [1] D. Rumelhart, G. Hinton and R. Williams, "Learning representations by back-propagating
   errors", Nature 323, 1986, eqs. 4-7.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from skmtl.neural._data import Batch
from skmtl.neural.architectures import MultiTaskModule
from skmtl.neural.architectures._around import RepresentationAround
from skmtl.neural.architectures._hard_sharing import Heads, Trunk, TrunkWithHeads
from skmtl.neural.gradients._activations import activate, derive, keeps_sums
from skmtl.neural.gradients._base import Gradients
from skmtl.neural.gradients._buffers import ArrayAndTensor, BuffersBySize, in_pairs, views
from skmtl.neural.gradients._compiled import add_bias, by_task, sum_rows
from skmtl.neural.gradients._objective import Objective

Array = NDArray[Any]

# What overflows is seen by the loss; numpy need not say it, too.
quietly = np.errstate(over="ignore", invalid="ignore")


class ManualGradients(Gradients):
    """Gradients of a trunk with linear heads, without autograd.

    Parameters
    ----------
    module : MultiTaskModule
        The networks: a `TrunkWithHeads` with linear heads, on the CPU; perhaps with a
        `LinearSkip` around it.
    objective : Objective
        Losses of the tasks, wide.
    """

    @staticmethod
    def knows(module: MultiTaskModule, objective: Objective) -> bool:
        """Whether the gradients of a module are written out here."""
        network = _inside(module)
        return (
            type(network) is TrunkWithHeads
            and type(network.trunk) is Trunk
            and all(layer.normalization is None for layer in network.trunk.layers)
            and not module.mixed_precision
            and type(network.heads) is Heads
            and not network.heads.rest
            and not objective.is_long
            and next(module.parameters()).is_cpu
        )

    def __init__(self, module: MultiTaskModule, objective: Objective) -> None:
        network: Any = _inside(module)
        trunk, heads = network.trunk, network.heads
        self.objective, self.dropout = objective, trunk.dropout
        self.activation, heads = trunk.activation, heads.first
        self.n_models, self.n_tasks = len(heads.weight), len(heads.outputs)
        self.of_trunk = list(trunk.parameters())
        parameters = list(module.parameters())
        n_shared = len(self.of_trunk)
        # Those of the trunk side by side, as those of single tasks are.
        sizes = [p[0].numel() for p in self.of_trunk]
        self.flat = parameters[0].new_empty(self.n_models, sum(sizes), requires_grad=False)
        self.sizes = sizes
        self.own = [torch.empty_like(p, requires_grad=False) for p in parameters[n_shared:]]
        self.found = [*views(self.flat, sizes, self.of_trunk), *self.own]
        *self.layers, (self.V, self.c) = in_pairs(parameters[: n_shared + 2])
        *self.layer_gradients, self.head_gradients = in_pairs(self.found[: n_shared + 2])
        # Of the linear path, where there is one, the weights and their gradient.
        self.factor = _factor(module)
        self.skip = [ArrayAndTensor(s[-1]) for s in (parameters, self.found) if len(self.own) > 2]
        self.task_of = torch.from_numpy(np.repeat(np.arange(self.n_tasks), heads.outputs))
        self.starts = np.cumsum([0, *heads.outputs])
        self.one_each = all(n_outputs == 1 for n_outputs in heads.outputs)
        widths = [W.array.shape[-1] for W, _ in self.layers]
        self.buffers = BuffersBySize(
            self.V.tensor, widths, self.V.tensor.shape[-2], keeps_sums(self.activation)
        )
        # By the raw scores; None where no task has anything to learn.
        self.D: Any = None
        self.jacobians: dict[int, tuple[Tensor, list[tuple[Array, Array]]]] = {}

    @quietly
    def forward(self, batch: Batch) -> Tensor:
        has_noise = not self.dropout.is_silent
        now = self.now = self.buffers[batch.X.shape[1]]
        x = batch.X.numpy()
        # What enters each layer, and what dropout does to the units.
        self.inputs: list[Array] = [x]
        self.masks: list[Tensor | None] = []
        for (W, b), sums, units in zip(self.layers, now.sums, now.units, strict=True):
            np.matmul(x, W.array, out=sums.array)
            activate(self.activation, sums, b.array, units)
            mask, x = None, units.array
            if has_noise:
                mask = self.dropout.mask(units.tensor)
                x = (units.tensor * mask).numpy()
            self.masks.append(mask)
            self.inputs.append(x)
        np.matmul(x, self.V.transposed, out=now.raw.array)
        if self.skip:
            now.raw.array += self.factor * np.matmul(self.inputs[0], self.skip[0].transposed)
        add_bias(now.raw.array, self.c.array)
        losses, self.D = self.objective.with_slopes(now.raw.tensor, batch)
        self.jacobian_found: Tensor | None = None
        return losses

    @quietly
    def gradients(self, own: Tensor | None, shared: Tensor | None) -> Sequence[Tensor | None]:
        if self.D is None:
            return [None] * len(self.found)
        D = self._weighted(own)
        self._head_gradients(D.numpy())
        if shared is not None and self.jacobian_found is not None:
            # One more pass through the layers would find the same.
            torch.matmul(shared.unsqueeze(1), self.jacobian_found, out=self.flat.unsqueeze(1))
            return self.found
        if shared is not None:
            D = self._weighted(shared.unsqueeze(-2))
        if self.layers:
            np.matmul(D.numpy(), self.V.array, out=self.now.slopes[-1].array)
            self._trunk_gradients()
        return self.found

    @quietly
    def gradients_along(
        self, own: Tensor | None, directions: Sequence[Tensor], space: str
    ) -> Sequence[Tensor | None]:
        if self.D is None:
            return [None] * len(self.found)
        self._head_gradients(self._weighted(own).numpy())
        if space == "representation":
            slope = self.now.slopes[-1].tensor
            slope.copy_(directions[0].view(slope.shape))
            self._trunk_gradients()
            return self.found
        shaped = [d.view(p.shape) for d, p in zip(directions, self.of_trunk, strict=True)]
        return [*shaped, *self.own]

    @quietly
    def jacobian(self, space: str) -> list[Tensor]:
        if space == "representation":
            g = self.D.new_empty(self.n_tasks, *self.inputs[-1].shape)
            by_task(self.D.numpy(), self.V.array, self.starts, 0, g.numpy())
            return [g.transpose(0, 1).flatten(2)]
        J = self._jacobian(space)
        return list(J.split(self.sizes[-2 if space == "last_shared" else 0 :], dim=-1))

    @quietly
    def gramian(self, space: str) -> Tensor:
        if space != "representation":
            return _outer(self._jacobian(space))
        of_outputs = _outer(self.D.mT) * _outer(self.V.tensor)
        return self._sum_outputs(self._sum_outputs(of_outputs, -1), -2)

    def _jacobian(self, space: str) -> Tensor:
        """Gradients (n_models, n_tasks, size), a few tasks at a time."""
        last = 0 if space == "shared" else len(self.layers) - 1
        J, parts = self._memory_of_jacobian(last)
        slopes = self.now.slopes_of_tasks(self.n_tasks)
        for first in range(0, self.n_tasks, len(slopes[-1])):
            some = [g[: self.n_tasks - first] for g in slopes]
            by_task(self.D.numpy(), self.V.array, self.starts, first, some[-1].numpy())
            for k in reversed(range(last, len(self.layers))):
                self._before_activation(some[k], k)
                g = some[k].numpy()
                W, b = (part[first : first + len(g)] for part in parts[k - last])
                np.matmul(self.inputs[k].swapaxes(-1, -2), g, out=W)
                np.matmul(self.now.ones, g, out=b)
                if k > last:
                    np.matmul(g, self.layers[k][0].transposed, out=some[k - 1].numpy())
        self.jacobian_found = None if last else J
        return J

    def _memory_of_jacobian(self, last: int) -> tuple[Tensor, list[tuple[Array, Array]]]:
        """An array (n_models, n_tasks, size), and in it (n_tasks, n_models, ..) of each layer."""
        if last not in self.jacobians:
            sizes = self.sizes[2 * last :]
            J = self.flat.new_empty(self.n_models, self.n_tasks, sum(sizes))
            shapes = [t.array.shape[1:] for pair in self.layers[last:] for t in pair]
            parts = [
                part.unflatten(-1, shape).transpose(0, 1).numpy()
                for part, shape in zip(J.split(sizes, dim=-1), shapes, strict=True)
            ]
            self.jacobians[last] = J, list(zip(parts[::2], parts[1::2], strict=True))
        return self.jacobians[last]

    def _before_activation(self, g: Tensor, k: int) -> None:
        """In place: from gradients by what layer k passes on to those by its sums.

        Those of some tasks, (n_tasks, n_models, n, width).
        """
        mask = self.masks[k]
        if mask is not None:
            g.mul_(mask)
        derive(self.activation, g, self.now.sums[k])

    def _head_gradients(self, D: Array) -> None:
        V, c = self.head_gradients
        np.matmul(D.swapaxes(-1, -2), self.inputs[-1], out=V.array)
        sum_rows(D, c.array)
        if self.skip:
            np.matmul(self.factor * D.swapaxes(-1, -2), self.inputs[0], out=self.skip[1].array)

    def _trunk_gradients(self) -> None:
        """Gradients of the trunk from the last slopes: those of what the heads read."""
        slopes = self.now.slopes
        for k in reversed(range(len(self.layers))):
            W, b = self.layer_gradients[k]
            self._before_activation(slopes[k].tensor[None], k)
            np.matmul(self.inputs[k].swapaxes(-1, -2), slopes[k].array, out=W.array)
            sum_rows(slopes[k].array, b.array)
            if k:
                np.matmul(slopes[k].array, self.layers[k][0].transposed, out=slopes[k - 1].array)

    def _weighted(self, weights: Tensor | None) -> Tensor:
        """D with the columns of every task times its weight; None: 1."""
        if weights is None:
            return self.D
        if not self.one_each:
            weights = weights.index_select(-1, self.task_of)
        return self.D * weights

    def _sum_outputs(self, array: Tensor, dim: int) -> Tensor:
        """Sum over the outputs of every task."""
        if self.one_each:
            return array
        shape = list(array.shape)
        shape[dim] = self.n_tasks
        return array.new_zeros(shape).index_add_(dim, self.task_of, array)


def _inside(module: MultiTaskModule) -> MultiTaskModule:
    """The network without a linear path beside it."""
    if type(module) is RepresentationAround and module.embedding is None:
        return module.network
    return module


def _factor(module: Any) -> float:
    """What a linear path is slowed down by."""
    skip = getattr(module, "skip", None)
    return 1.0 if skip is None else float(skip.factor)


def _outer(A: Tensor) -> Tensor:
    """A A'."""
    array = A.numpy()
    return torch.from_numpy(np.matmul(array, array.swapaxes(-1, -2)))
